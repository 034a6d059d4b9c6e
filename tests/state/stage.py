"""Where every example begins: three traders with cash, shares and fees of three kinds.

Made once; each example plays on a copy of the model and in a transaction that is rolled back. There
is a stage for each part of the year that is worth a walk.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from accounts.models import FeeSchedule, FxRate, RegulatoryRate
from instruments.models import Instrument
from tests.state.model import EUROS_A_DOLLAR, Model
from tests.state.plain_board import PlainBoard
from tests.state.plain_broker import PlainInstrument
from tests.state.plain_terms import HARSH, INSTANT, REALISTIC, PlainTick, Ticket
from tests.state.product import Product
from tests.state.reading import Reading

D = Decimal
SEASONS = {
    "clocks go forward": datetime(2026, 3, 5, 15, 0, tzinfo=UTC),
    "Good Friday": datetime(2026, 4, 1, 15, 0, tzinfo=UTC),
    "clocks go back": datetime(2026, 10, 29, 15, 0, tzinfo=UTC),
    "Thanksgiving": datetime(2026, 11, 25, 15, 0, tzinfo=UTC),
}
"""A morning in New York, a day or two before what the season is named after."""

FED, CUSTOMERS = "FED", "CUST"
"""An instrument with a market quote, and one that trades on its customers' orders alone."""

SINCE_EVER = date(2000, 1, 1)
STEP = D("0.1")
PRICES = [D(cents) / 100 for cents in range(998, 1003)]

FEES = {
    "ann": [("zero",)],
    "bob": [("flat", D("0.001")), ("flat", D("0.003"))],
    "cyd": [("per_share", D("0.005"), D(1), D("0.01")), ("per_share", D("0.01"), D("0.5"), D("1"))],
    "dan": [("per_share", D(0), D(6), None)],
    "eve": [("per_share", D("0.005"), D(1), D("0.01"))],
}
"""What each pays: on the first day, and from the second on. dan and eve come later: his least fee
is more than a small sale brings, she signs up at the door and pays what everybody new pays."""

AT_FIRST = ("ann", "bob", "cyd")
CASH = {"ann": 200, "bob": 120, "cyd": 150, "dan": 200}
"""Of which 95.50 go into shares before the walks begin: bob soon pays with unsettled cash."""

TRADES_AS = {"ann": REALISTIC, "bob": REALISTIC, "cyd": HARSH, "dan": INSTANT, "eve": REALISTIC}


@dataclass
class Stage:
    """Model and product side by side, at the same moment. schedules are what each will pay."""

    model: Model
    product: Product
    now: datetime
    fees: dict[str, list[tuple]]
    schedules: dict[str, FeeSchedule]

    def copy(self) -> "Stage":
        """Return a stage for one example; the product's rows are the caller's to roll back."""
        model, product = deepcopy(self.model), self.product.copy()
        return Stage(model, product, self.now, self.fees, self.schedules)

    def open_account(self, name: str) -> None:
        """Let somebody in at the counter."""
        profile = TRADES_AS[name]
        self.product.open_account(name, self.schedules[name], profile.name, self.now)
        self.model.open_account(name, self.fees[name], profile)
        for broker in (self.model.deposit, self._deposit):
            assert broker(name, D(CASH[name])) == set()

    def register(self, name: str) -> None:
        """Let somebody sign up at the door, who gets demo money."""
        self.product.register(name, self.now)
        self.model.open_account(name, self.fees[name], TRADES_AS[name])
        self.model.deposit(name, D(100_000))

    def _deposit(self, name: str, amount: Decimal) -> set[str]:
        return self.product.deposit(name, amount, "start", self.now)


def set_up(season: str = "clocks go forward") -> Stage:
    """Write the rows and tell the model the same story."""
    now = SEASONS[season]
    second_day = now.date() + timedelta(days=1)
    fees = {
        name: list(zip((SINCE_EVER, second_day), numbers, strict=False))
        for name, numbers in FEES.items()
    }
    schedules = {name: _schedule(name, dated) for name, dated in fees.items() if name != "eve"}
    stage = Stage(Model(), Product(), now, fees, schedules)
    _list_instruments(stage)
    _levy(stage.model, second_day)
    FxRate.objects.create(base="USD", quote="EUR", rate=EUROS_A_DOLLAR, as_of=now, source="model")
    for name in AT_FIRST:
        stage.open_account(name)
    stage.product.start()
    _hand_out_shares(stage)
    stage.product.stop()
    Instrument.objects.filter(symbol=CUSTOMERS).update(has_feed=False)
    stage.model.instruments[CUSTOMERS].has_feed = False
    stage.model.board = PlainBoard()
    stage.model.engine.forget()
    return stage


def _list_instruments(stage: Stage) -> None:
    """FED pays levies and closes at night; CUST has a feed until the shares are handed out."""
    for symbol, mic, hours in ((FED, "XNAS", "new york"), (CUSTOMERS, "BNGI", "always")):
        stage.product.instruments[symbol] = Instrument.objects.create(
            symbol=symbol,
            name=symbol,
            mic=mic,
            type="stock",
            currency="USD",
            tick_size=D("0.01"),
            quantity_step=STEP,
        )
        stage.model.instruments[symbol] = PlainInstrument(True, hours, STEP, hours != "always")


def _levy(model: Model, second_day: date) -> None:
    """Two levies like those of the SEC and FINRA, at rates that small sales feel."""
    first_day = date(2026, 1, 1)
    model.levies = {
        "by value": [(first_day, (D(0), D(0), None)), (second_day, (D(1030), D(0), None))],
        "by share": [(first_day, (D(0), D("0.0061"), D("0.02")))],
    }
    for name, dated in model.levies.items():
        for day, (of_a_million, of_a_share, at_most) in dated:
            RegulatoryRate.objects.create(
                code=name.replace(" ", "-"),
                effective_from=day,
                per_million=of_a_million,
                per_share=of_a_share,
                cap=at_most,
            )


def _hand_out_shares(stage: Stage) -> None:
    """Let everybody buy twice, at two prices, so that there are lots to tell apart."""
    for number, price in enumerate(("9.10", "10.00")):
        _say(stage, price)
        for name in AT_FIRST:
            for symbol in (FED, CUSTOMERS):
                key = f"start-{symbol}-{number}"
                ticket = Ticket(name, key, symbol, "buy", "market", "day", D("2.5"))
                stage.now += timedelta(milliseconds=100)
                assert stage.model.place(ticket, stage.now) == set()
                assert stage.product.place(ticket, stage.now) == set()
        _say(stage, price)  # who is slow buys now
        stage.model.engine.drain(stage.now)
        stage.product.drain(stage.now)
    assert stage.model.seen() == Reading(stage.product).seen


def _say(stage: Stage, price: str) -> None:
    stage.now += timedelta(seconds=1)
    for symbol in (FED, CUSTOMERS):
        tick = quote(symbol, price, price, 100, stage.now)
        stage.product.record(tick)
        stage.model.record(tick)


def quote(
    symbol: str, bid: str | Decimal, ask: str | Decimal, size: int, now: datetime
) -> PlainTick:
    """Return a quote of size on both sides, with a print half-way."""
    last = (D(bid) + D(ask)) / 2
    return PlainTick(
        symbol=symbol,
        bid=D(bid),
        ask=D(ask),
        bid_size=D(size),
        ask_size=D(size),
        last=last,
        low=min(last, D(8)),
        high=max(last, D(12)),
        as_of=now,
    )


def insane(tick: PlainTick, how: str) -> PlainTick:
    """Return the tick with something in it that nobody may trade on, at once or at all."""
    if how == "crossed":
        return replace(tick, bid=tick.ask + D("0.01") if tick.ask else tick.bid)
    if how == "zero":
        return replace(tick, ask=D(0))
    if how == "far":
        return replace(tick, last=D("11.80"))
    return replace(tick, last=tick.high + 1)


def _schedule(name: str, dated: list[tuple]) -> FeeSchedule:
    """Write down what an account pays; return the first row, which the account names."""
    fields = {"zero": (), "flat": ("rate",), "per_share": ("per_share", "minimum", "maximum_rate")}
    kinds = {"zero": "zero", "flat": "flat_rate", "per_share": "per_share"}
    rows = [
        FeeSchedule.objects.create(
            code=f"model-{name}",
            name=name,
            effective_from=day,
            kind=kinds[kind],
            **dict(zip(fields[kind], numbers, strict=True)),
        )
        for day, (kind, *numbers) in dated
    ]
    return rows[0]
