"""Instruments are corrected, unless orders or holdings stand on what would change.

The order of locks is instruments, shards, accounts, each by ascending id. All the accounts are
locked where the grid moves, so an order that is being accepted meanwhile is seen, or comes after.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Count

from accounts.models import Account
from accounts.services import lock_accounts
from bengi.access import require
from bengi.errors import Conflict
from bengi.terms import InstrumentStatus
from instruments import listing
from instruments.halts import set_status
from instruments.models import Instrument
from orders.models import Order
from portfolios.models import Position
from trades.claiming import claim

_IN_BOOKS = (*listing.GRID, "has_feed")
"""What a running engine knows of an instrument."""


@transaction.atomic
def correct_instruments(
    changes: Mapping[UUID, listing.Values], *, by: AbstractBaseUser | None, now: datetime
) -> list[Instrument]:
    """Correct instruments and return those that were otherwise; see instruments.listing.

    Running engines of what moves build their books anew. Raises Conflict instrument_in_use for
    another grid while orders are open, or for a coarser quantity step while shares are held, and
    what listing.correct_instruments() raises.
    """
    require(by, "instruments.change_instrument")
    found = Instrument.objects.select_for_update(no_key=True).filter(id__in=changes)
    rows = list(found.order_by("id"))
    for shard in sorted({row.shard for row in rows if _differs(row, changes[row.id], _IN_BOOKS)}):
        claim(shard)
    moved = [row for row in rows if _differs(row, changes[row.id], listing.GRID)]
    if moved:
        lock_accounts(Account.objects.values_list("id", flat=True))
        _check_unused(moved, changes)
    return listing.correct_instruments(changes, by=by, now=now)


@transaction.atomic
def correct_listing(
    instrument: Instrument,
    values: dict[str, Any],
    *,
    status: InstrumentStatus,
    reason: str,
    by: AbstractBaseUser,
    now: datetime,
) -> Instrument:
    """Make an instrument's name, grid and status what is wanted; said again it changes nothing.

    Raises Conflict instrument_delisted where it is to be traded again after that, and what
    correct_instruments() raises.
    """
    correct_instruments({instrument.id: values}, by=by, now=now)
    row = Instrument.objects.get(id=instrument.id)
    if row.status == InstrumentStatus.DELISTED != status:
        raise Conflict("instrument_delisted", f"{row.symbol} is delisted for good.")
    return set_status(row.id, status, by=by, now=now, reason=reason)


def _differs(row: Instrument, values: listing.Values, names: Sequence[str]) -> bool:
    return any(name in values and getattr(row, name) != values[name] for name in names)


def _check_unused(rows: Sequence[Instrument], changes: Mapping[UUID, listing.Values]) -> None:
    """Raise Conflict for the first of the rows that may not move: two statements for all."""
    orders = Order.objects.filter(instrument__in=rows, closed_at__isnull=True)
    counted = orders.values_list("instrument_id").annotate(count=Count("id")).order_by()
    open_orders: dict[UUID, int] = dict(counted)
    positions = Position.objects.filter(instrument__in=rows, quantity__gt=0)
    held = set(positions.values_list("instrument_id", flat=True))
    for row in rows:
        count = open_orders.get(row.id, 0)
        step: Decimal = changes[row.id].get("quantity_step", row.quantity_step)
        if count or (row.id in held and row.quantity_step % step):
            why = f"{count} orders of {row.symbol} are open." if count else f"{row.symbol} is held."
            raise Conflict("instrument_in_use", why, open_orders=count)
