"""Coming in and going out: browsers with a session, programs with tokens, and everybody at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest

from accounts.identity import mails
from accounts.identity.grants import stamp_of
from accounts.identity.lifetimes import ACCESS, KEPT, PENDING, REFRESH
from accounts.identity.models import SignIn
from accounts.identity.refreshing import first_token, rotate
from accounts.identity.standing import forget
from accounts.identity.tokens import issue_access
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import NotAuthenticated, NotFound
from bengi.limits.address import client_address

IN_SESSION = "sign_in"
"""Where a session keeps the id of its sign-in."""
PENDING_IN_SESSION = "sign_in_pending"


@dataclass(frozen=True, slots=True)
class Pair:
    """What a program goes on with."""

    sign_in: SignIn
    access: str
    refresh: str
    access_s = int(ACCESS.total_seconds())
    refresh_s = int(REFRESH.total_seconds())


def begin_session(request: HttpRequest, user: User, *, now: datetime) -> SignIn:
    """Sign a browser in: a session, the row that lists it, and a line in the trail."""
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    sign_in = _row(request, user, SignIn.Kind.SESSION, now)
    sign_in.session_key = request.session.session_key or ""
    sign_in.expires_at = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    sign_in.save(force_insert=True)
    request.session[IN_SESSION] = str(sign_in.id)
    request.session.pop(PENDING_IN_SESSION, None)
    _forget_old(user, now)
    note("sign_in.begun", by=user, now=now, target=f"sign-in {sign_in.id}")
    return sign_in


def expect_code(request: HttpRequest, user: User, now: datetime) -> None:
    """Keep that the password was right, for as long as PENDING, until the code is there too."""
    request.session[PENDING_IN_SESSION] = [str(user.pk), stamp_of(user), now.isoformat()]


def expected(request: HttpRequest, now: datetime) -> User | None:
    """Return whose code is waited for, None when nobody's is, or not any more."""
    user_id, stamp, since = request.session.get(PENDING_IN_SESSION, ("", "", ""))
    if not user_id or datetime.fromisoformat(since) < now - PENDING:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return user if user is not None and stamp_of(user) == stamp else None


@transaction.atomic
def begin_tokens(request: HttpRequest, user: User, *, now: datetime) -> Pair:
    """Sign a program in: a family of tokens, the row that lists it, and a line in the trail."""
    sign_in = _row(request, user, SignIn.Kind.TOKEN, now)
    sign_in.save(force_insert=True)
    update_last_login(None, user)  # type: ignore[arg-type]
    _forget_old(user, now)
    note("sign_in.begun", by=user, now=now, target=f"sign-in {sign_in.id}")
    return Pair(sign_in, issue_access(sign_in, now), first_token(sign_in, now))


def refresh(request: HttpRequest, token: str, *, now: datetime) -> Pair:
    """Spend a refresh token for the next pair.

    Raises NotAuthenticated token_invalid, token_expired, or token_reused: then the family has
    ended, its owner has mail, and the trail a line.
    """
    rotation = rotate(token, now)
    sign_in = rotation.sign_in
    if not rotation.reused:
        return Pair(sign_in, issue_access(sign_in, now), rotation.successor)
    end(sign_in, because="token_reused", by=None, now=now)
    mails.send("token_reused", sign_in.user, {"address": client_address(request)})
    detail = "The token has been used before, so its sign-in has ended. Sign in again."
    raise NotAuthenticated("token_reused", detail)


def end(sign_in: SignIn, *, because: str, by: User | None, now: datetime) -> None:
    """End one sign-in, its session or its tokens with it."""
    with transaction.atomic():
        live = SignIn.objects.filter(id=sign_in.id, ended_at=None)
        if not live.update(ended_at=now, ended_because=because):
            return
        details = {"because": because, "user_id": str(sign_in.user_id)}
        note("sign_in.ended", by=by, now=now, target=f"sign-in {sign_in.id}", details=details)
    _close(sign_in)


def end_current(
    request: HttpRequest, user: User, sign_in_id: UUID | None, *, now: datetime
) -> None:
    """End the sign-in of this request; a session that has no row of its own ends all the same."""
    found = live_of(user, now).filter(id=sign_in_id).first() if sign_in_id else None
    if found is not None:
        end(found, because="signed_out", by=user, now=now)
    if sign_in_in(request) == sign_in_id:
        logout(request)


def sign_in_in(request: HttpRequest) -> UUID | None:
    """Return the sign-in that the request's session belongs to, None when it has no row."""
    kept = request.session.get(IN_SESSION)
    return UUID(kept) if kept else None


def keep_session(request: HttpRequest, user: User, sign_in_id: UUID | None) -> None:
    """Let this browser's session go on, under a new key, after its person's stamp has changed."""
    if request.session.session_key and sign_in_in(request) == sign_in_id:
        update_session_auth_hash(request, user)
        SignIn.objects.filter(id__in=[sign_in_id] if sign_in_id else []).update(
            session_key=request.session.session_key
        )


def end_one(user: User, sign_in_id: UUID, *, now: datetime) -> None:
    """End one of the user's sign-ins. Raises NotFound for an absent one and for others'."""
    found = live_of(user, now).filter(id=sign_in_id).first()
    if found is None:
        raise NotFound
    end(found, because="ended_by_owner", by=user, now=now)


def end_all(
    user: User, *, because: str, by: User | None, now: datetime, keep: UUID | None = None
) -> None:
    """End every sign-in of the user, on HTTP and on sockets, but the one to keep.

    Whoever disables somebody or changes their roles calls this. Keys are not signed in: they lose
    what their person may not do any more, and all of it with a disabled person.
    """
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(sign_in_epoch=F("sign_in_epoch") + 1)
        user.refresh_from_db(fields=["sign_in_epoch", "password"])
        kept = user.sign_ins.filter(id__in=[keep] if keep else [])
        ended = list(user.sign_ins.filter(ended_at=None).exclude(id__in=kept))
        user.sign_ins.filter(id__in=[each.id for each in ended]).update(
            ended_at=now, ended_because=because
        )
        kept.update(stamp=stamp_of(user))
        details = {"because": because, "count": len(ended)}
        note("sign_in.all_ended", by=by, now=now, target=f"user {user.pk}", details=details)
    for each in ended:
        _close(each)
    if keep is not None:
        forget(keep)


def live_of(user: User, now: datetime) -> QuerySet[SignIn]:
    """Return the user's sign-ins that hold, newest first."""
    found: QuerySet[SignIn] = user.sign_ins.filter(
        ended_at=None, expires_at__gt=now, stamp=stamp_of(user)
    )
    return found.order_by("-created_at")


def is_known(email: str, address: str, now: datetime, since: timedelta) -> bool:
    """Return whether somebody has signed in from the address before, by their e-mail address."""
    found = SignIn.objects.filter(user__email__iexact=email, address=address)
    return found.filter(created_at__gt=now - since).exists()


def _row(request: HttpRequest, user: User, kind: SignIn.Kind, now: datetime) -> SignIn:
    return SignIn(
        user=user,
        kind=kind,
        stamp=stamp_of(user),
        address=client_address(request),
        user_agent=request.headers.get("User-Agent", "")[:200],
        created_at=now,
        last_used_at=now,
        expires_at=now + REFRESH,
    )


def _close(sign_in: SignIn) -> None:
    """Take it out of whatever remembers it, after the commit."""
    if sign_in.session_key:
        import_module(settings.SESSION_ENGINE).SessionStore(sign_in.session_key).delete()
    forget(sign_in.id)


def _forget_old(user: User, now: datetime) -> None:
    user.sign_ins.filter(expires_at__lt=now - KEPT).delete()
