"""Sign people out: a session of theirs ends with its next request, or its socket's next look."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction

from accounts.models import User
from bengi.access import require
from bengi.audit.services import note

REVOKE = "accounts.change_user"


def end_sessions(users: Iterable[User] | None) -> int:
    """End the sessions of users, None: of everybody, and return how many there were.

    Reads every stored session, because a session names its user only inside: for what staff do now
    and then, not for signing out.
    """
    if users is None:
        return Session.objects.all().delete()[0]
    ids = {str(user.pk) for user in users}
    rows = Session.objects.iterator()
    keys = [row.session_key for row in rows if row.get_decoded().get(SESSION_KEY) in ids]
    return Session.objects.filter(session_key__in=keys).delete()[0] if keys else 0


@transaction.atomic
def revoke_sessions(user: User | None, *, by: User | None, now: datetime) -> int:
    """Sign somebody out everywhere, None: everybody; return how many sessions ended.

    Raises Forbidden unless by may change users; everybody may do so to themselves.
    """
    if user is None or by is None or by.pk != user.pk:
        require(by, REVOKE)
    ended = end_sessions(None if user is None else [user])
    target = "everybody" if user is None else f"user {user.id}"
    details = {"sessions": ended} | ({} if user is None else {"email": user.email})
    note("sessions.revoked", by=by, now=now, target=target, details=details)
    return ended
