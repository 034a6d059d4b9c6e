"""Roles: what staff may do beyond their own accounts. Everybody signed in is a trader.

A role is a Django group of the same name with the permissions below; the migrations make them, and
a test compares. Superusers may do everything. The command line is nobody: there, by is None.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.sessions import end_sessions
from bengi.access import require
from bengi.audit.services import note
from bengi.errors import Forbidden, Malformed

CHANGE = "accounts.change_user"
"""The permission to give and take roles, and to let people in and out."""

_SEEN = {
    "accounts": (
        *("account", "feeschedule", "fxrate", "goodfaithviolation", "ledgeradjustment"),
        *("ledgerentry", "ledgertransaction", "regulatoryrate"),
    ),
    "events": ("event", "relaylease"),
    "instruments": (
        *("bar", "calendarday", "calendaroverride", "corporateaction", "instrument"),
        *("quarantinedtick", "quote"),
    ),
    "orders": ("order", "risklimits", "tradinghalt"),
    "portfolios": ("dividendentitlement", "positionsplit"),
    "trades": ("setaside", "trade", "tradecorrection"),
}
_LOOK = frozenset(f"{app}.view_{model}" for app, models in _SEEN.items() for model in models)
_DESK = frozenset(
    {
        "accounts.change_account",
        "accounts.freeze_account",
        "accounts.add_ledgeradjustment",
        "accounts.change_ledgeradjustment",
        "instruments.halt_instrument",
        "orders.cancel_any_order",
        "orders.add_risklimits",
        "orders.change_risklimits",
        "orders.add_tradinghalt",
        "orders.change_tradinghalt",
        "trades.change_setaside",
        "trades.correct_trade",
        "trades.execute_trade",
    }
)
_HOUSE = frozenset(
    {
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.add_feeschedule",
        "accounts.add_fxrate",
        "accounts.add_regulatoryrate",
        "audit.view_auditentry",
        "instruments.add_instrument",
        "instruments.change_instrument",
        "instruments.add_calendaroverride",
        "instruments.change_calendaroverride",
        "instruments.delete_calendaroverride",
        "instruments.add_corporateaction",
        "instruments.change_corporateaction",
    }
)
ROLES: dict[str, frozenset[str]] = {
    "trader": frozenset(),
    "dealer": _LOOK | _DESK,
    "admin": _LOOK | _DESK | _HOUSE,
}
"""The permissions of each role, least first: trading, the staff desk, users and instruments too."""
STAFF = ("dealer", "admin")


@transaction.atomic
def grant(user: User, role: str, *, by: User | None, now: datetime) -> bool:
    """Give a role, and let its holder sign in anew; False where they have it already.

    Raises Malformed for an unknown role, and Forbidden unless by may change users and is another.
    """
    row = lock_person(user, by)
    group = _group(role)
    if row.groups.filter(id=group.id).exists():
        return False
    row.groups.add(group)
    _settle(row, "role.granted", role, by, now)
    return True


@transaction.atomic
def revoke(user: User, role: str, *, by: User | None, now: datetime) -> bool:
    """Take a role away, and end its holder's sessions; False where they do not have it.

    Raises what grant() raises.
    """
    row = lock_person(user, by)
    group = _group(role)
    if not row.groups.filter(id=group.id).exists():
        return False
    row.groups.remove(group)
    _settle(row, "role.revoked", role, by, now)
    return True


def join(user: User, role: str) -> None:
    """Give somebody new their first role; whoever makes them notes it."""
    user.groups.add(_group(role))
    user.is_staff = user.is_superuser or role in STAFF
    user.save(update_fields=["is_staff"])


def lock_person(user: User, by: User | None) -> User:
    """Lock somebody whose standing by is about to change, and return the row as it is now.

    Raises Forbidden unless by may change users, is another, and no less than who they change.
    """
    require(by, CHANGE)
    row = User.objects.select_for_update().get(id=user.id)
    if by is not None and by.id == row.id:
        raise Forbidden("second_person_needed", "Somebody else has to change your own standing.")
    if by is not None and row.is_superuser and not by.is_superuser:
        raise Forbidden("forbidden", "Only a superuser changes the standing of one.")
    return row


def role_of(user: User) -> str:
    """Return the greatest role somebody has."""
    if user.is_superuser:
        return "superuser"
    held = {group.name for group in user.groups.all()}
    return next((role for role in reversed(ROLES) if role in held), "trader")


def _settle(row: User, action: str, role: str, by: User | None, now: datetime) -> None:
    row.is_staff = row.is_superuser or row.groups.filter(name__in=STAFF).exists()
    row.save(update_fields=["is_staff"])
    details: dict[str, Any] = {"email": row.email, "role": role}
    note(action, by=by, now=now, target=f"user {row.id}", details=details)
    end_sessions([row], now=now)


def _group(role: str) -> Group:
    """Return a role's group, with its permissions where it has been lost."""
    if role not in ROLES:
        names = ", ".join(ROLES)
        raise Malformed("invalid_field", f"A role is one of {names}.", field="role", value=role)
    group, is_new = Group.objects.get_or_create(name=role)
    if is_new:
        group.permissions.set(permissions_of(role))
    return group


def permissions_of(role: str) -> list[Permission]:
    """Return the permission rows of a role."""
    found = Q(pk__in=[])
    for name in ROLES[role]:
        app, codename = name.split(".")
        found |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(found))
