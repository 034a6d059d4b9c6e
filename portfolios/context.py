"""The bar's figures for every page, read only where a template asks for them."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from bengi import clock
from portfolios.bar import read_bar


def bar(request: HttpRequest) -> dict[str, Any]:
    """Return the bar of whoever is signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"bar": SimpleLazyObject(lambda: read_bar(user, clock.now()))}
