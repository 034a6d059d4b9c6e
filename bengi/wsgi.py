"""Where any WSGI server comes in: pages and API, as Django answers them. See bengi/web.py."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
application = get_wsgi_application()

# These import models, so they come after Django has been set up.
from bengi.threads import Crew  # noqa: E402
from instruments.days import CalendarWatch  # noqa: E402


def keep_calendar() -> None:
    """Let staff's word on the market's hours count in this process too."""
    Crew().add("calendar", CalendarWatch())


keep_calendar()
os.register_at_fork(after_in_child=keep_calendar)  # a server may load this before it forks
