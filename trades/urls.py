"""Addresses of the trade page, of fills, and of one order with its fills."""

from django.urls import path

from trades import views

urlpatterns = [
    path("trade/", views.trade_home, name="trade"),
    path("trade", views.trade_home),
    path("trade/<str:symbol>", views.trade, name="trade_symbol"),
    path("trade/<str:symbol>/panels", views.trade_panels, name="trade_panels"),
    path("orders/<uuid:order_id>", views.order, name="order"),
    path("account/statement", views.period_statement, name="period_statement"),
    path("fills", views.fills, name="fills"),
    path("fills/<uuid:exec_id>", views.fill, name="fill"),
]
