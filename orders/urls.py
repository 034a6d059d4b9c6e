"""Addresses of orders. The page of one order shows its trades too: see trades/urls.py."""

from django.urls import path

from orders import views

urlpatterns = [
    path("orders", views.orders, name="orders"),
    path("orders/cancel", views.cancel_many, name="orders_cancel"),
    path("orders/review", views.review, name="order_review"),
    path("orders/estimate", views.estimate, name="order_estimate"),
    path("orders/place", views.place, name="order_place"),
    path("orders/<uuid:order_id>/cancel", views.cancel, name="order_cancel"),
]
