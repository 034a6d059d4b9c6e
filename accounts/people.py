"""People are made, shut out and let in again by staff. Nobody is deleted: books name them."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.roles import ROLES, join, lock_person
from accounts.services import register
from accounts.sessions import end_sessions
from bengi.access import require
from bengi.audit.services import note
from bengi.errors import Malformed

ADD = "accounts.add_user"


@transaction.atomic
def create_user(
    email: str, name: str, password: str, role: str, *, by: User | None, now: datetime
) -> User:
    """Make a person with a role.

    Raises Forbidden, Malformed for an unknown role or weak_password, and Conflict email_taken.
    """
    require(by, ADD)
    if role not in ROLES:
        raise Malformed("invalid_field", f"A role is one of {', '.join(ROLES)}.", field="role")
    user = register(email, name, password)
    join(user, role)
    details = {"email": user.email, "role": role}
    note("user.created", by=by, now=now, target=f"user {user.id}", details=details)
    return user


@transaction.atomic
def disable(user: User, *, by: User | None, reason: str, now: datetime) -> bool:
    """Shut somebody out and end their sessions; False where they are out already.

    Their orders go on working: the kill switch is for those. Raises Forbidden, and Malformed
    without a reason.
    """
    return _set_active(user, False, "user.disabled", by, reason, now)


@transaction.atomic
def enable(user: User, *, by: User | None, reason: str, now: datetime) -> bool:
    """Let somebody in again; False where nobody shut them out. Raises as disable() does."""
    return _set_active(user, True, "user.enabled", by, reason, now)


def _set_active(
    user: User, is_active: bool, action: str, by: User | None, reason: str, now: datetime
) -> bool:
    row = lock_person(user, by)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    if row.is_active == is_active:
        return False
    row.is_active = is_active
    row.save(update_fields=["is_active"])
    details = {"email": row.email, "reason": reason.strip()}
    note(action, by=by, now=now, target=f"user {row.id}", details=details)
    end_sessions([row], now=now)
    return True
