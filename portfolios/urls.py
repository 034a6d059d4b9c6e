"""Addresses of what is held, and of the account to begin with."""

from django.urls import path

from portfolios import views

urlpatterns = [
    path("account/open", views.open_first, name="account_open"),
    path("portfolio", views.portfolio, name="portfolio"),
    path("positions", views.positions, name="positions"),
]
