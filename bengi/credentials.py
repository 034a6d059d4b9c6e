"""What a socket is let in with, and whether it still holds: a session, a token or a key."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from accounts.identity.bearers import bearer
from accounts.identity.grants import READ, stamp_of
from accounts.identity.models import ApiKey, SignIn, is_live
from accounts.models import User
from bengi import clock
from bengi.errors import Forbidden


class Credential(NamedTuple):
    """Who listens (user_id), and by what: id is that of a session, a sign-in or a key."""

    kind: str
    id: Any
    user_id: UUID
    stamp: str


def of_session(scope: Any) -> Credential | None:
    """Return what the session cookie of the handshake gives, None when nobody is signed in."""
    user, session = scope["user"], scope.get("session")
    if not user.is_authenticated or session is None:
        return None
    return Credential("session", session.session_key, user.pk, stamp_of(user))


@database_sync_to_async
def of_token(token: str) -> Credential:
    """Return what a bearer token gives. Raises NotAuthenticated, and Forbidden without "read"."""
    standing, grant = bearer(token, clock.wall())
    if READ not in grant.scopes:
        raise Forbidden("forbidden", "This key may not read.")
    kind = "key" if grant.key_id else "sign_in"
    held_by = grant.key_id or grant.sign_in_id
    return Credential(kind, held_by, standing.user.pk, standing.stamp)


def token_in(scope: Any) -> str | None:
    """Return the bearer token of the handshake's header, None without one."""
    for name, value in scope["headers"]:
        kind, _, token = value.decode("latin1").partition(" ")
        if name == b"authorization" and kind.lower() == "bearer":
            return str(token.strip())
    return None


@database_sync_to_async
def still_good(credentials: Sequence[Credential]) -> set[Credential]:
    """Return those that hold; four statements, however many there are.

    Sign-ins end by the machine's clock, also while a replay drives the market's.
    """
    ids: dict[str, list[Any]] = {"session": [], "sign_in": [], "key": []}
    for each in credentials:
        ids[each.kind].append(each.id)
    live: set[tuple[str, Any]] = {
        ("session", key)
        for key in Session.objects.filter(
            session_key__in=ids["session"], expire_date__gt=Now()
        ).values_list("session_key", flat=True)
    }
    sign_ins = SignIn.objects.filter(id__in=ids["sign_in"], ended_at=None, expires_at__gt=Now())
    live |= {("sign_in", id_) for id_ in sign_ins.values_list("id", flat=True)}
    keys = ApiKey.objects.filter(is_live(Now()), id__in=ids["key"])
    live |= {("key", id_) for id_ in keys.values_list("id", flat=True)}
    stamps = _stamps({each.user_id for each in credentials})
    return {each for each in credentials if (each.kind, each.id) in live and _fits(each, stamps)}


def _stamps(user_ids: Iterable[UUID]) -> dict[UUID, str]:
    active = User.objects.filter(pk__in=user_ids, is_active=True)
    return {user.pk: stamp_of(user) for user in active}


def _fits(credential: Credential, stamps: dict[UUID, str]) -> bool:
    """A key outlives a change of the password; its person has to be there."""
    stamp = stamps.get(credential.user_id)
    return stamp is not None and (credential.kind == "key" or stamp == credential.stamp)
