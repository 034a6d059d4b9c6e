"""Addresses of what is held."""

from django.urls import path

from portfolios import views

urlpatterns = [
    path("portfolio", views.portfolio, name="portfolio"),
    path("positions", views.positions, name="positions"),
]
