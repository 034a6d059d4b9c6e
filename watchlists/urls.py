"""Addresses of markets, watchlists and price alerts."""

from django.urls import path

from watchlists import views
from watchlists.lists import views as lists
from watchlists.markets import views as markets

urlpatterns = [
    path("markets", markets.markets, name="markets"),
    path("watchlists", lists.watchlists, name="watchlists"),
    path("watchlists/add", lists.add_to_chosen, name="watch"),
    path("watchlists/symbols", lists.symbols, name="watchlist_symbols"),
    path("watchlists/<uuid:watchlist_id>/add", lists.add, name="watchlist_add"),
    path("watchlists/<uuid:watchlist_id>/edit", lists.edit, name="watchlist_edit"),
    path("watchlists/<uuid:watchlist_id>/rename", lists.rename, name="watchlist_rename"),
    path("watchlists/<uuid:watchlist_id>/delete", lists.delete, name="watchlist_delete"),
    path("alerts", views.alerts, name="alerts"),
    path("alerts/<uuid:alert_id>/delete", views.delete, name="alert_delete"),
]
