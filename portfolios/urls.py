"""Addresses of what is held."""

from django.urls import path

from portfolios import views

urlpatterns = [path("positions", views.positions, name="positions")]
