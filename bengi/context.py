"""What every page knows of this installation."""

from django.conf import settings
from django.http import HttpRequest


def stream(request: HttpRequest) -> dict[str, str]:
    """Return where the page opens its socket, "" for where the page itself comes from."""
    return {"stream_url": settings.BENGI_STREAM_URL}
