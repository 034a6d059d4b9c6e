"""Which message made a batch of one command fail, and what becomes of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from bengi.terms import MessageKind
from instruments.models import Instrument
from trades.decisions import Decision
from trades.requests import Command
from trades.setting_aside.culprits import Unrestorable, Unturned, orders_to_blame
from trades.setting_aside.services import (
    Failure,
    halt_for_turn,
    set_order_aside,
    set_request_aside,
    set_tick_aside,
)


def set_aside(
    commands: Sequence[Command],
    decisions: Sequence[Decision],
    error: Exception,
    failure: Failure,
    *,
    now: datetime,
) -> bool:
    """Set aside what failed; say whether it was the command's tick, which is to be dropped.

    commands: the one that failed, none where the books could not be built. decisions: what it led
    to, none where it could not be decided. A tick, or an order that has met another, may be
    innocent: orders that cannot be booked by themselves go before it. Raises what is nobody's
    fault, and whatever keeps the books from being built but is not an order.
    """
    if not commands:
        if not isinstance(error, Unrestorable):
            raise error
        set_order_aside(error.order_id, failure, now=now)
        return False
    (command,) = commands
    kind, reference = command.key
    to_blame = orders_to_blame(decisions) if decisions else set()
    is_request = kind in {MessageKind.CANCEL, MessageKind.REPLACE, MessageKind.EXPIRY}
    if is_request and (not to_blame or _order_of(command) in to_blame):
        set_request_aside(kind, UUID(reference), failure, now=now)
    elif to_blame:
        set_order_aside(min(to_blame), failure, now=now)
    elif command.turn is not None:
        halt_for_turn(_instruments_of(command.turn, decisions, error), failure, now=now)
    elif command.tick is not None:
        set_tick_aside(command.tick, failure, now=now)
        return True
    else:
        set_order_aside(UUID(reference), failure, now=now)
    return False


def _instruments_of(
    mic: str, decisions: Sequence[Decision], error: Exception
) -> QuerySet[Instrument]:
    """Return the instruments at an exchange that may have kept it from turning."""
    at_work = Instrument.objects.filter(mic=mic)
    if isinstance(error, Unturned):
        return at_work.filter(id=error.instrument_id)
    return at_work.filter(orders__in=[decision.outcome.order_id for decision in decisions])


def _order_of(command: Command) -> UUID | None:
    """Return the order that a request is about: of a replace, the one to be replaced."""
    if command.replace is not None:
        return command.replace.replaces_id
    return UUID(command.key[1])
