"""How far an account's orders may go: everybody's limits, unless staff have set others."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from msgspec.structs import fields, replace

from accounts.models import Account, User
from accounts.services import lock_accounts
from bengi.audit.services import head_of, note
from bengi.errors import Forbidden, Malformed, NotFound
from bengi.events.services import NewEvent, append
from bengi.money import plain
from bengi.realtime.publish import publish
from orders.facts import DEFAULT_LIMITS, Limits
from orders.models import RiskLimits

LIMITS = ("max_notional", "max_quantity", "max_open_orders", "max_open_orders_here")
COLLARS = ("collar", "low_price_collar")
SETTABLE = (*LIMITS, *COLLARS)


def read_limits(account_ids: Iterable[UUID]) -> dict[UUID, Limits]:
    """Return the limits of the accounts that have their own; one statement."""
    rows = RiskLimits.objects.filter(account_id__in=list(account_ids))
    return {row.account_id: limits_of(row) for row in rows}


def limits_of(row: RiskLimits | None) -> Limits:
    """Return the limits that count for an account: its own, and everybody's where it has none."""
    own = {name: getattr(row, name) for name in SETTABLE} if row else {}
    return replace(DEFAULT_LIMITS, **{k: value for k, value in own.items() if value is not None})


@transaction.atomic
def set_limits(
    account_id: UUID, values: dict[str, Any], *, by: User, reason: str, now: datetime
) -> RiskLimits:
    """Set an account's limits; what is None is everybody's. For its next order, not for open ones.

    Appends account.limits_changed with all of them, who and why. Raises Forbidden unless by is of
    staff, Malformed for a number that is no limit, NotFound.
    """
    if not by.is_staff:
        raise Forbidden("forbidden", "Only staff change limits.")
    _check(values)
    if account_id not in lock_accounts([account_id]):
        raise NotFound
    row, _ = RiskLimits.objects.update_or_create(account_id=account_id, defaults=values)
    payload = {"limits": limits_payload(row), "by": str(by.id), "reason": reason}
    heads = append([NewEvent(account_id, "account.limits_changed", payload, now)])
    note(
        "account.limits_changed",
        by=by,
        now=now,
        target=f"account {account_id}",
        details={"limits": limits_payload(row), "reason": reason},
        event=head_of(heads, account_id),
    )
    transaction.on_commit(lambda: publish(heads), robust=True)
    return row


def copy_limits(old: Account, fresh: Account, *, by: User, now: datetime) -> None:
    """Let an account that takes another's place go no further than that; the caller locks both.

    Appends account.limits_copied where there are any: staff set them, but not now.
    """
    row = RiskLimits.objects.filter(account=old).first()
    if row is None:
        return
    row.pk = row.account_id = fresh.id
    row.save(force_insert=True)
    payload = {"limits": limits_payload(row), "copied_from": str(old.id), "by": str(by.id)}
    heads = append([NewEvent(fresh.id, "account.limits_copied", payload, now)])
    transaction.on_commit(lambda: publish(heads), robust=True)


def limits_payload(row: RiskLimits) -> dict[str, str | int | None]:
    """Return an account's own limits as the event log carries them; None where it has none."""
    told = {name: getattr(row, name) for name in SETTABLE}
    return {
        "account_id": str(row.account_id),
        **{k: plain(value) if isinstance(value, Decimal) else value for k, value in told.items()},
    }


def limits_shape(limits: Limits) -> dict[str, str | int]:
    """Return the limits that count, as a client sees them."""
    told = {field.name: getattr(limits, field.name) for field in fields(limits)}
    return {k: plain(value) if isinstance(value, Decimal) else value for k, value in told.items()}


def _check(values: dict[str, Any]) -> None:
    assert set(values) <= set(SETTABLE)
    for name, value in values.items():
        words = name.replace("_", " ")
        if value is not None and value < 0:
            raise Malformed("invalid_field", f"The {words} cannot be negative.", field=name)
        if name in COLLARS and value is not None and not 0 < value < 1:
            raise Malformed("invalid_field", f"The {words} is a fraction, as 0.10.", field=name)
