"""What every page knows of its reader's taste."""

from typing import Any

from django.http import HttpRequest

from accounts.forms import THEMES

COOKIE = "bengi_theme"


def appearance(request: HttpRequest) -> dict[str, Any]:
    """Return theme and up/down colours: the user's own, a visitor's from a cookie."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return {"appearance": {"theme": user.theme, "updown": user.updown}}
    theme = request.COOKIES.get(COOKIE, "")
    return {"appearance": {"theme": theme if theme in THEMES else "", "updown": ""}}
