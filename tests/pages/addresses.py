"""Every address of the product that is not the API's or the stock admin's, and where it is shown.

A route that stands in none of the three tables fails the tests: a new page says here how it is
opened, and its forms and lists are then looked at like those of every other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

LEFT_OUT = ("api/v1/", "admin/")
KEPT = ("admin/desk/", "admin/market-data/")

PAGES: dict[str, tuple[str, ...]] = {
    "home": ("/",),
    "signin": ("/signin?next=/orders",),
    "signin-code": ("/signin/code",),
    "forgot": ("/password/forgot",),
    "reset": ("/password/reset",),
    "verify-email": ("/verify-email?key=none",),
    "signup": ("/signup",),
    "help": ("/help",),
    "licences": ("/licences",),
    "api-docs": ("/api/docs",),
    "staff-desk": ("/admin/desk/",),
    "market-data": ("/admin/market-data/",),
    "settings-profile": ("/settings/profile",),
    "settings-password": ("/settings/password",),
    "settings-appearance": ("/settings/appearance",),
    "settings-trading": ("/settings/trading",),
    "settings-sessions": ("/settings/sessions",),
    "settings-factor": ("/settings/second-factor",),
    "settings-keys": ("/settings/api-keys",),
    "account": ("/account", "/account?move=withdraw", "/account?move=convert"),
    "account_facts": ("/account/facts?what=deposit&amount=5&currency=USD",),
    "period_statement": ("/account/statement?from=2026-01-01&to=2026-12-31",),
    "search": ("/search?q=a",),
    "markets": ("/markets?q=A",),
    "portfolio": ("/portfolio",),
    "positions": ("/positions", "/positions?reduce={position}"),
    "watchlists": ("/watchlists",),
    "watchlist_symbols": ("/watchlists/symbols?symbol=A",),
    "watchlist_delete": ("/watchlists/{watchlist}/delete",),
    "alerts": ("/alerts",),
    "orders": ("/orders",),
    "orders_cancel": ("/orders/cancel",),
    "order": ("/orders/{order}", "/orders/{filled}"),
    "order_replace": ("/orders/{order}/replace",),
    "order_replace_review": ("/orders/{order}/replace/review?quantity=7",),
    "fills": ("/fills",),
    "trade_symbol": ("/trade/ABC", "/trade/ABC?tab=orders", "/trade/ABC?tab=fills"),
    "trade_panels": ("/trade/ABC/panels?tab=orders",),
    "notifications": ("/notifications",),
    "notifications_unread": ("/notifications/unread",),
}
"""Pages and parts of pages that a GET shows, by the name of their route."""

POSTED = {
    *("demo", "signout", "appearance"),
    *("settings-email", "settings-keep-email", "settings-switch"),
    *("settings-end-others", "settings-end-session", "settings-revoke-key"),
    *("settings-confirm-factor", "settings-new-codes", "settings-factor-off"),
    *("watch", "watchlist_add", "watchlist_edit", "watchlist_rename", "alert_delete"),
    "account_open",
    *("order_review", "order_estimate", "order_place", "order_cancel", "notifications_read"),
}
"""Where forms of those pages go that are shown elsewhere: each must be named by one of them."""

NOT_PAGES = {
    "metrics": "figures for a program",
    "api-schema": "a document for programs",
    "settings": "leads to the profile",
    "trade": "leads to the first symbol",
    "fill": "leads to the order",
    "order_size": "asked by script, answered with JSON",
}


def routes() -> set[str]:
    """Return the names of all routes; one without a name is told by its path."""
    return {name or path for path, name in _walk(get_resolver().url_patterns, "")}


def _walk(patterns: list[Any], before: str) -> Iterator[tuple[str, str | None]]:
    for each in patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            if path not in LEFT_OUT:
                yield from _walk(each.url_patterns, path)
        elif isinstance(each, URLPattern) and _is_ours(path):
            yield path, each.name


def _is_ours(path: str) -> bool:
    return path in KEPT or not path.startswith(LEFT_OUT)
