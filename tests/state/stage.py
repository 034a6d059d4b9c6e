"""Where every example begins: three traders with cash, shares and fees of three kinds.

Made once; each example plays on a copy of the model and in a transaction that is rolled back.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from accounts.models import FeeSchedule, FxRate, RegulatoryRate
from instruments.models import Instrument
from tests.state.model import EUROS_A_DOLLAR, Model, PlainInstrument, Ticket
from tests.state.plain_market import PlainTick
from tests.state.product import Product

START = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
"""A Thursday morning in New York; the clocks go forward on the Sunday after."""

FED, CUSTOMERS = "FED", "CUST"
"""An instrument with a market quote, and one that trades on its customers' orders alone."""

FEES = {
    "ann": ("zero",),
    "bob": ("flat", Decimal("0.001")),
    "cyd": ("per_share", Decimal("0.005"), Decimal(1), Decimal("0.01")),
}
FINRA_2026 = Decimal("0.000195")
STEP = Decimal("0.1")
PRICES = [Decimal(cents) / 100 for cents in range(998, 1003)]


@dataclass
class Stage:
    """Model and product side by side, at the same moment."""

    model: Model
    product: Product
    now: datetime

    def copy(self) -> "Stage":
        """Return a stage for one example; the product's rows are the caller's to roll back."""
        return Stage(deepcopy(self.model), self.product, self.now)


def set_up() -> Stage:
    """Write the rows and tell the model the same story."""
    stage = Stage(Model(), Product(), START)
    for symbol, mic, hours, levy in (
        (FED, "XNAS", "new york", FINRA_2026),
        (CUSTOMERS, "BNGI", "always", Decimal(0)),
    ):
        stage.product.instruments[symbol] = Instrument.objects.create(
            symbol=symbol,
            name=symbol,
            mic=mic,
            type="stock",
            currency="USD",
            tick_size=Decimal("0.01"),
            quantity_step=STEP,
        )
        stage.model.instruments[symbol] = PlainInstrument(True, hours, STEP, levy)
    RegulatoryRate.objects.create(
        code="finra-taf", effective_from=date(2026, 1, 1), per_share=FINRA_2026
    )
    FxRate.objects.create(base="USD", quote="EUR", rate=EUROS_A_DOLLAR, as_of=START, source="model")
    for name, fees in FEES.items():
        stage.product.open_account(name, _schedule(*fees), START)
        stage.model.open_account(name, fees)
        stage.product.deposit(name, Decimal(200), "start", START)
        stage.model.deposit(name, Decimal(200))
    stage.product.start()
    _hand_out_shares(stage)
    stage.product.stop()
    Instrument.objects.filter(symbol=CUSTOMERS).update(has_feed=False)
    stage.model.instruments[CUSTOMERS].has_feed = False
    stage.model.board, stage.model.markets, stage.model.unseen = {}, {}, {}
    return stage


def _hand_out_shares(stage: Stage) -> None:
    """Let everybody buy twice, at two prices, so that there are lots to tell apart."""
    for number, price in enumerate(("9.10", "10.00")):
        stage.now += timedelta(seconds=1)
        for symbol in (FED, CUSTOMERS):
            tick = quote(symbol, price, price, 100, stage.now)
            stage.product.record(tick)
            stage.model.record(tick)
        for name in FEES:
            for symbol in (FED, CUSTOMERS):
                key = f"start-{symbol}-{number}"
                ticket = Ticket(name, key, symbol, "buy", "market", "day", Decimal("2.5"))
                stage.now += timedelta(seconds=1)
                assert stage.model.place(ticket, stage.now) == set()
                assert stage.product.place(ticket, stage.now) == set()
        stage.model.drain(stage.now)
        stage.product.drain(stage.now)
    assert stage.model.seen() == stage.product.seen()


def quote(
    symbol: str, bid: str | Decimal, ask: str | Decimal, size: int, now: datetime
) -> PlainTick:
    """Return a quote of size on both sides, with a print half-way."""
    last = (Decimal(bid) + Decimal(ask)) / 2
    return PlainTick(
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=Decimal(size),
        ask_size=Decimal(size),
        last=last,
        low=min(last, Decimal(8)),
        high=max(last, Decimal(12)),
        as_of=now,
    )


def insane(tick: PlainTick, how: str) -> PlainTick:
    """Return the tick with a mistake in it that nobody may trade on."""
    if how == "crossed":
        return replace(tick, bid=tick.ask + Decimal("0.01") if tick.ask else tick.bid)
    if how == "zero":
        return replace(tick, ask=Decimal(0))
    return replace(tick, last=tick.high + 1)


def _schedule(kind: str, *numbers: Decimal) -> FeeSchedule:
    fields = {"zero": (), "flat": ("rate",), "per_share": ("per_share", "minimum", "maximum_rate")}
    kinds = {"zero": "zero", "flat": "flat_rate", "per_share": "per_share"}
    return FeeSchedule.objects.create(
        code=f"model-{kind}",
        name=kind,
        kind=kinds[kind],
        **dict(zip(fields[kind], numbers, strict=True)),
    )
