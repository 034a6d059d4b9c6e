"""Addresses of orders. The page of one order shows its trades too: see trades/urls.py."""

from django.urls import path

from orders import views
from orders.replace_pages import views as replace_views

urlpatterns = [
    path("orders", views.orders, name="orders"),
    path("orders/cancel", views.cancel_many, name="orders_cancel"),
    path("orders/review", views.review, name="order_review"),
    path("orders/estimate", views.estimate, name="order_estimate"),
    path("orders/place", views.place, name="order_place"),
    path("orders/size", views.size, name="order_size"),
    path("orders/<uuid:order_id>/replace", replace_views.replace, name="order_replace"),
    path(
        "orders/<uuid:order_id>/replace/review", replace_views.review, name="order_replace_review"
    ),
    path("orders/<uuid:order_id>/cancel", views.cancel, name="order_cancel"),
]
