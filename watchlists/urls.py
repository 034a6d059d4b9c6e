"""Addresses of price alerts."""

from django.urls import path

from watchlists import views

urlpatterns = [
    path("alerts", views.alerts, name="alerts"),
    path("alerts/<uuid:alert_id>/delete", views.delete, name="alert_delete"),
]
