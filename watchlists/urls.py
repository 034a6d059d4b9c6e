"""Addresses of markets, watchlists and price alerts."""

from django.urls import path

from watchlists import list_views, market_views, views

urlpatterns = [
    path("markets", market_views.markets, name="markets"),
    path("watchlists", list_views.watchlists, name="watchlists"),
    path("watchlists/add", list_views.add_to_chosen, name="watch"),
    path("watchlists/symbols", list_views.symbols, name="watchlist_symbols"),
    path("watchlists/<uuid:watchlist_id>/add", list_views.add, name="watchlist_add"),
    path("watchlists/<uuid:watchlist_id>/edit", list_views.edit, name="watchlist_edit"),
    path("watchlists/<uuid:watchlist_id>/rename", list_views.rename, name="watchlist_rename"),
    path("watchlists/<uuid:watchlist_id>/delete", list_views.delete, name="watchlist_delete"),
    path("alerts", views.alerts, name="alerts"),
    path("alerts/<uuid:alert_id>/delete", views.delete, name="alert_delete"),
]
