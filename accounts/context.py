"""What every page knows of its reader's taste."""

from typing import Any

from django.http import HttpRequest

from accounts.forms import THEMES
from accounts.reader import writing_of

COOKIE = "bengi_theme"


def appearance(request: HttpRequest) -> dict[str, Any]:
    """Return theme and up/down colours: the user's own, a visitor's from a cookie.

    reader says how the user reads, None for the plain way; templates/base.html tells scripts.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        taste = {"theme": user.theme, "updown": user.updown}
        return {"appearance": taste, "reader": writing_of(user)}
    theme = request.COOKIES.get(COOKIE, "")
    return {"appearance": {"theme": theme if theme in THEMES else "", "updown": ""}}
