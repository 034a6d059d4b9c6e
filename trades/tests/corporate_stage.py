"""Corporate actions for tests: two of staff who agree, and the clock that brings the day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import CashBalance
from accounts.tests.factories import UserFactory
from bengi.events.models import Event
from bengi.terms import CorporateActionKind
from instruments.models import CorporateAction, Instrument
from portfolios.models import Position
from trades.corporate.proposals import approve_action, propose
from trades.corporate.terms import ActionTerms
from trades.tests.world import START, Trader, World

EX_DATE = date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
"""When the ex-date begins in a market that never closes; worlds start nine hours before."""

BEFORE = MIDNIGHT - timedelta(seconds=1)


def agree(instrument: Instrument, terms: ActionTerms, now: datetime = START) -> CorporateAction:
    """Let one of staff enter an action and another approve it."""
    action = propose(UserFactory(is_staff=True), instrument, terms, now=now)
    return approve_action(action.id, UserFactory(is_staff=True), now=now)


def split(instrument: Instrument, new: int, old: int, **more: Any) -> CorporateAction:
    """Agree on a split of new for old shares, on the day after the world began."""
    kind = CorporateActionKind.REVERSE_SPLIT if new < old else CorporateActionKind.SPLIT
    ex_date = more.pop("ex_date", EX_DATE)
    return agree(instrument, ActionTerms(kind, ex_date, ratio_to=new, ratio_from=old, **more))


def dividend(instrument: Instrument, amount: str, **more: Any) -> CorporateAction:
    """Agree on a dividend in dollars, paid two days after the ex-date."""
    values = {"pay_date": EX_DATE + timedelta(days=2), "currency": "USD"} | more
    terms = ActionTerms(
        CorporateActionKind.CASH_DIVIDEND, EX_DATE, amount=Decimal(amount), **values
    )
    return agree(instrument, terms)


def until(world: World, moment: datetime) -> None:
    """Let the clock come to a moment, and the engine look."""
    world.now = moment
    world.drain()


def cash_of(trader: Trader, currency: str = "USD") -> tuple[Decimal, Decimal]:
    """Return (amount, reserved)."""
    row = CashBalance.objects.get(account=trader.account, currency=currency)
    return row.amount, row.reserved


def shares_of(trader: Trader) -> tuple[Decimal, Decimal]:
    """Return (quantity, reserved) of the trader's only position."""
    row = Position.objects.get(portfolio=trader.portfolio)
    return row.quantity, row.reserved_quantity


def events_of(trader: Trader) -> list[str]:
    found = Event.objects.filter(stream_id=trader.account.id).order_by("seq")
    return list(found.values_list("type", flat=True))
