"""Rows for every list of the admin, each with rows of its own behind it, so that N+1 would show."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import (
    FeeSchedule,
    FxRate,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerEntry,
    LedgerTransaction,
    RegulatoryRate,
)
from accounts.tests.factories import OPENED_AT, AccountFactory, UserFactory
from bengi.audit.services import note
from bengi.events.models import Event, RelayLease, Stream
from bengi.ids import new_id
from instruments.models import CalendarDay, CalendarOverride, CorporateAction, QuarantinedTick
from instruments.tests.factories import BarFactory, InstrumentFactory, QuoteFactory
from orders.models import RiskLimits, TradingHalt
from orders.tests.factories import OrderFactory
from portfolios.models import DividendEntitlement, PositionSplit
from portfolios.tests.factories import PortfolioFactory
from trades.models import SetAside, TradeCorrection
from trades.tests.factories import TradeFactory

DAY = date(2026, 3, 2)
AMOUNT = Decimal("12.50")


def days(number: int) -> date:
    return DAY + timedelta(days=number)


def posted(number: int) -> LedgerTransaction:
    account = AccountFactory()
    made = LedgerTransaction.objects.create(
        kind="deposit", reference=f"row {number} {new_id()}", account=account, occurred_at=OPENED_AT
    )
    LedgerEntry.objects.create(
        transaction=made, book="customer_cash", account=account, currency="USD", amount=AMOUNT
    )
    return made


def adjustment(number: int) -> Any:
    asked: dict[str, Any] = {"reason": f"Row {number}", "requested_by": UserFactory()}
    if number % 2:
        asked |= {"amount": AMOUNT, "currency": "USD", "account": AccountFactory()}
        asked |= {"declined_by": UserFactory(), "declined_at": OPENED_AT}
    else:
        original = posted(number)
        asked |= {"reverses": original, "account": original.account}
    return LedgerAdjustment.objects.create(requested_at=OPENED_AT, **asked)


def violation(number: int) -> Any:
    return GoodFaithViolation.objects.create(
        account=AccountFactory(),
        bought_by=new_id(),
        sold_by=new_id(),
        trade_id=new_id(),
        currency="USD",
        amount=AMOUNT,
        settles_at=OPENED_AT,
        occurred_at=OPENED_AT,
    )


def event(number: int) -> Any:
    stream = Stream.objects.create(id=new_id(), seq=1)
    return Event.objects.create(
        stream=stream, seq=1, type="cash.posted", payload={}, occurred_at=OPENED_AT, hash=""
    )


def action(number: int) -> CorporateAction:
    return CorporateAction.objects.create(
        instrument=InstrumentFactory(),
        kind="split",
        ratio_to=2,
        ratio_from=1,
        ex_date=days(number),
        requested_by=UserFactory().id,
        requested_at=OPENED_AT,
    )


def halt(number: int) -> Any:
    return TradingHalt.objects.create(
        account=AccountFactory(),
        reason="Drill.",
        halted_by=UserFactory(),
        halted_at=OPENED_AT,
        lifted_by=UserFactory(),
        lifted_at=OPENED_AT,
    )


def entitlement(number: int) -> Any:
    return DividendEntitlement.objects.create(
        action=action(number),
        portfolio=PortfolioFactory(),
        quantity=1,
        currency="USD",
        gross_amount=AMOUNT,
    )


def position_split(number: int) -> Any:
    return PositionSplit.objects.create(
        action=action(number),
        portfolio=PortfolioFactory(),
        quantity_before=1,
        quantity_after=2,
        cost_before=AMOUNT,
        cost_after=AMOUNT,
    )


def correction(number: int) -> Any:
    return TradeCorrection.objects.create(
        trade=TradeFactory(),
        kind="bust",
        reason="Drill",
        requested_by=UserFactory(),
        requested_at=OPENED_AT,
        outcome="declined",
        decided_by=UserFactory(),
        decided_at=OPENED_AT,
    )


def set_aside(number: int) -> Any:
    order = OrderFactory()
    return SetAside.objects.create(
        shard=0,
        kind="order",
        reference=order.id,
        instrument=order.instrument,
        order=order,
        error="ValueError: odd",
        tries=5,
        first_at=OPENED_AT,
        last_at=OPENED_AT,
        status="released",
        outcome="closed",
        released_by=UserFactory(),
        released_at=OPENED_AT,
    )


ROWS: dict[str, Callable[[int], Any]] = {
    "accounts.account": lambda number: AccountFactory(),
    "accounts.feeschedule": lambda number: FeeSchedule.objects.create(
        code=f"code{number}", name="Row", kind="zero", effective_from=days(number)
    ),
    "accounts.fxrate": lambda number: FxRate.objects.create(
        base="EUR", quote="USD", rate=1, as_of=OPENED_AT + timedelta(days=number), source="test"
    ),
    "accounts.goodfaithviolation": violation,
    "accounts.ledgeradjustment": adjustment,
    "accounts.ledgerentry": posted,
    "accounts.ledgertransaction": posted,
    "accounts.regulatoryrate": lambda number: RegulatoryRate.objects.create(
        code="sec", effective_from=days(number)
    ),
    "accounts.user": lambda number: UserFactory(),
    "audit.auditentry": lambda number: note("drill.held", by=UserFactory(), now=OPENED_AT),
    "events.event": event,
    "events.relaylease": lambda number: RelayLease.objects.get_or_create(expires_at=OPENED_AT)[0],
    "instruments.bar": lambda number: BarFactory(),
    "instruments.calendarday": lambda number: CalendarDay.objects.create(
        mic="XNYS", date=days(number), source="test"
    ),
    "instruments.calendaroverride": lambda number: CalendarOverride.objects.create(
        mic="XNYS", date=days(number)
    ),
    "instruments.corporateaction": action,
    "instruments.instrument": lambda number: InstrumentFactory(),
    "instruments.quarantinedtick": lambda number: QuarantinedTick.objects.create(
        instrument=InstrumentFactory(), reason="odd", tick={}
    ),
    "instruments.quote": lambda number: QuoteFactory(),
    "orders.order": lambda number: OrderFactory(),
    "orders.risklimits": lambda number: RiskLimits.objects.create(account=AccountFactory()),
    "orders.tradinghalt": halt,
    "portfolios.dividendentitlement": entitlement,
    "portfolios.positionsplit": position_split,
    "trades.setaside": set_aside,
    "trades.trade": lambda number: TradeFactory(),
    "trades.tradecorrection": correction,
}
"""A row of each model that the admin lists, by its label."""
