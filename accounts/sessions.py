"""Sign people out: a session of theirs ends with its next request, or its socket's next look."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from accounts.identity.models import SignIn
from accounts.models import User
from bengi.access import require
from bengi.audit.services import note

REVOKE = "accounts.change_user"


def end_sessions(users: Iterable[User] | None, *, now: datetime) -> int:
    """Sign users out, None: everybody, browsers and programs; return how many sign-ins ended.

    Their stamps change, so that no token of theirs holds any more. Reads every stored session,
    because a session names its user only inside: for what staff do now and then, not for signing
    out.
    """
    people, sign_ins = User.objects.all(), SignIn.objects.filter(ended_at=None)
    keys: list[str] | None = None
    if users is not None:
        ids = {str(user.pk) for user in users}
        people = people.filter(pk__in=ids)
        sign_ins = sign_ins.filter(user__in=people)
        rows = Session.objects.iterator()
        keys = [row.session_key for row in rows if row.get_decoded().get(SESSION_KEY) in ids]
    people.update(sign_in_epoch=F("sign_in_epoch") + 1)
    ended = sign_ins.filter(kind=SignIn.Kind.TOKEN, expires_at__gt=now).count()
    sign_ins.update(ended_at=now, ended_because="ended_by_staff")
    stored = Session.objects.all() if keys is None else Session.objects.filter(pk__in=keys)
    return ended + stored.delete()[0]


@transaction.atomic
def revoke_sessions(user: User | None, *, by: User | None, now: datetime) -> int:
    """Sign somebody out everywhere, None: everybody; return how many sessions ended.

    Raises Forbidden unless by may change users; everybody may do so to themselves.
    """
    if user is None or by is None or by.pk != user.pk:
        require(by, REVOKE)
    ended = end_sessions(None if user is None else [user], now=now)
    target = "everybody" if user is None else f"user {user.id}"
    details = {"sessions": ended} | ({} if user is None else {"email": user.email})
    note("sessions.revoked", by=by, now=now, target=target, details=details)
    return ended
