"""When a browser was last seen, for the list of sessions: noted with a page, once a minute."""

import logging
from datetime import datetime
from uuid import UUID

from django.core.cache import cache
from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from accounts.identity.lifetimes import LAST_USED_EVERY
from accounts.identity.models import SignIn
from accounts.identity.sign_ins import sign_in_in
from bengi import clock
from bengi.line import Line

logger = logging.getLogger(__name__)
_line = Line(logger, "nobody notes when browsers were last seen")


class SeenMiddleware(MiddlewareMixin):
    """Note it behind pages that have asked who is there; programs have tokens, and are noted so."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        session = getattr(request, "session", None)
        if session is None or not session.accessed or request.path_info.startswith("/api/"):
            return response
        sign_in_id = sign_in_in(request)
        if sign_in_id is not None:
            see(sign_in_id, clock.wall())
        return response


def see(sign_in_id: UUID, now: datetime) -> None:
    """Note that a sign-in is in use at now, unless that was done within the last minute.

    The page goes out all the same where nobody can note it just now.
    """
    every_s = LAST_USED_EVERY.total_seconds()
    if not _line.ask(lambda: cache.add(f"bengi:seen:{sign_in_id}", 1, every_s), otherwise=False):
        return
    stale = SignIn.objects.filter(
        id=sign_in_id, ended_at=None, last_used_at__lt=now - LAST_USED_EVERY
    )
    try:
        stale.update(last_used_at=now)
    except OperationalError:
        logger.warning("a browser was seen, and it could not be noted")
