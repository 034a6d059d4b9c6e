"""An instrument's listing is corrected, unless orders or holdings stand on what would change."""

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from bengi.errors import Conflict
from bengi.terms import InstrumentStatus
from instruments.halts import set_status
from instruments.listing import GRID, correct_instrument
from instruments.models import Instrument
from orders.models import Order
from portfolios.models import Position


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

    Raises Conflict instrument_in_use for another grid while orders are open, or for a coarser
    quantity step while shares are held, instrument_delisted where it is to be traded again after
    that, and what correct_instrument() raises.
    """
    row = Instrument.objects.select_for_update().get(id=instrument.id)
    if any(getattr(row, name) != values[name] for name in GRID):
        open_orders = Order.objects.filter(instrument=row, closed_at__isnull=True).count()
        is_coarser = bool(row.quantity_step % values["quantity_step"])
        held = is_coarser and Position.objects.filter(instrument=row, quantity__gt=0).exists()
        if open_orders or held:
            detail = f"{open_orders} orders are open." if open_orders else "Shares are held."
            raise Conflict("instrument_in_use", detail, open_orders=open_orders)
    if row.status == InstrumentStatus.DELISTED != status:
        raise Conflict("instrument_delisted", f"{row.symbol} is delisted for good.")
    correct_instrument(row.id, values, by=by, now=now)
    return set_status(row.id, status, by=by, now=now, reason=reason)
