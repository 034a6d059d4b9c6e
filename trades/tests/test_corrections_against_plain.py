"""Random trades, busts and adjustments: the books are those of a world that never saw what is gone.

The plain twin reckons everything anew from the list of executions that stand; it also says which
may be taken back, and what is refused must leave no trace.
"""

import os
from collections import Counter
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Q
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import CashBalance, FeeSchedule, RegulatoryRate
from bengi.errors import BengiError
from bengi.terms import CommissionKind
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from trades.models import Trade
from trades.selectors import standing_trades
from trades.tests.desk import Desk, trace
from trades.tests.plain_restated import AT_LEAST, AT_MOST, EACH, LEVY, Ledger, reckon
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

EXAMPLES = int(os.environ.get("CORRECTION_EXAMPLES", "15"))
MOVES = 24
CASH = Decimal(1_000_000)
D = Decimal

prices = st.sampled_from(["10.00", "10.01", "10.07", "10.33", "9.98"])
moves = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 1), st.sampled_from(["buy", "buy", "sell"]),
              st.sampled_from([3, 7, 60, 250])),
    st.tuples(st.just("tick"), prices, st.sampled_from([2, 5, 40, 300])),
    st.tuples(st.just("match"), st.integers(0, 1), prices, st.sampled_from([2, 5, 30])),
    st.tuples(st.just("bust"), st.integers(0, 40)),
    st.tuples(st.just("adjust"), st.integers(0, 40), prices, st.sampled_from([None, 1, 2, 5])),
)  # fmt: skip

ONE_OF_EACH = [
    ("tick", "10.00", 300),
    ("order", 0, "sell", 3),
    ("order", 0, "sell", 7),
    ("bust", 2),
    ("bust", 0),
    ("bust", 3),
]
"""Sold since, its lot in use, and one that may go."""


class Game:
    """Product and twin side by side; traders are numbers, trades are named by their execution."""

    def __init__(self, world: World) -> None:
        RegulatoryRate.objects.create(
            code="levy", effective_from="2026-01-01", per_share=LEVY, per_million=0
        )
        fees = FeeSchedule.objects.create(
            code="twin",
            kind=CommissionKind.PER_SHARE,
            per_share=EACH,
            minimum=AT_LEAST,
            maximum_rate=AT_MOST,
        )
        self.world, self.desk, self.twin = world, Desk(world), Ledger()
        self.traders = [world.trader(cash=str(CASH), fees=fees) for _ in range(2)]
        self.abc = world.instrument(mic="XNYS")
        self.newest: object = None
        self.seen = Counter[str]()
        self.tick("10.00", 1000)
        for number in range(2):
            self.order(number, "buy", 60)

    def play(self, move: tuple) -> None:
        kind, *wanted = move
        getattr(self, kind)(*wanted)
        self.compare()

    # --- what happens

    def tick(self, ask: str, size: int) -> None:
        self.world.tick(self.abc, str(D(ask) - D("0.02")), ask, size=size)
        self.hear()

    def order(self, number: int, side: str, quantity: int) -> None:
        """A market order that fills with this tick and the next ones."""
        self.place(number, side, quantity)
        self.hear()

    def match(self, buyer: int, price: str, quantity: int) -> None:
        """One trader bids inside the spread, the other one sells to them."""
        self.world.tick(self.abc, "9.50", "10.60", size=1)
        bid = self.place(buyer, "buy", quantity, limit=price)
        self.place(1 - buyer, "sell", quantity, limit=price)
        bid.refresh_from_db()
        if bid.is_open:
            self.world.cancel(self.traders[buyer], bid)
        self.hear()

    def place(self, number: int, side: str, quantity: int, **terms: str) -> Order | None:
        """Place an order, unless the shares are not there."""
        trader = self.traders[number]
        free = self.free(trader)
        if side == "sell" and free < quantity:
            return None
        return self.world.place(trader, self.abc, side, quantity, tif="gtc", **terms)

    def free(self, trader: Trader) -> Decimal:
        row = Position.objects.filter(portfolio=trader.portfolio).first()
        return row.quantity - row.reserved_quantity if row else D(0)

    def hear(self) -> None:
        """Tell the twin what the engine has filled: terms only, no amounts."""
        rows = Trade.objects.filter(busts=None, corrects=None).order_by("exec_id")
        for row in rows.filter(exec_id__gt=self.newest) if self.newest else rows:
            self.newest = row.exec_id
            terms = (row.side, row.quantity, row.price, row.match_id)
            self.twin.add(row.exec_id, row.executed_at, row.account_id, row.order_id, *terms)

    # --- what staff do

    def bust(self, pick: int) -> None:
        self.correct(pick, self.desk.bust, self.twin.strike)

    def adjust(self, pick: int, price: str, quantity: int | None) -> None:
        def write_over(name):
            (line, *_) = self.twin.sides(name)
            self.twin.write_over(name, D(quantity or line.quantity), D(price))

        self.correct(pick, lambda trade: self.desk.adjust(trade, price, quantity), write_over)

    def correct(self, pick, on_product, on_twin) -> None:
        if not self.twin.lines:
            return
        name = self.twin.lines[pick % len(self.twin.lines)].name
        trade = standing_trades().get(Q(exec_id=name) | Q(corrects=name))
        may_go, before = self.twin.may_go(name), trace()
        code = self.code_of(on_product, trade)
        self.seen[code] += 1
        if code == "corrected":
            assert may_go
            on_twin(name)
            return
        assert trace() == before
        assert not (may_go and code in {"lot_in_use", "sold_since"}), code

    def code_of(self, act, trade: Trade) -> str:
        """Return how a correction ended; one that is refused is rolled back, with its request."""
        try:
            with transaction.atomic():
                act(trade)
        except BengiError as error:
            return error.code
        return "corrected"

    # --- what there is then

    def compare(self) -> None:
        assert self.found() == reckon(self.twin.lines).seen()

    def found(self) -> dict:
        cash = {b.account_id: b.amount - CASH for b in CashBalance.objects.all()}
        lots: dict = {}
        for lot in Lot.objects.filter(remaining_quantity__gt=0).order_by("opened_at", "id"):
            who = self.owner(lot.portfolio_id)
            lots.setdefault(who, []).append((lot.remaining_quantity, lot.remaining_cost))
        realized = Counter()
        for closing in LotClosing.objects.select_related("lot"):
            realized[self.owner(closing.lot.portfolio_id)] += closing.realized_pnl
        known = {line.order for line in self.twin.lines}
        rows = Order.objects.filter(id__in=known)
        columns = ("filled_quantity", "filled_value", "commission", "fees")
        return {
            "cash": {who: amount for who, amount in cash.items() if amount},
            "lots": lots,
            "realized": {who: pnl for who, pnl in realized.items() if pnl},
            "orders": {row.id: tuple(getattr(row, name) for name in columns) for row in rows},
        }

    def owner(self, portfolio_id):
        return next(t.account.id for t in self.traders if t.portfolio.id == portfolio_id)


def play(script) -> Counter[str]:
    """Play one script on a world of its own, and leave nothing of it."""
    with transaction.atomic():
        with open_world() as world:
            game = Game(world)
            for move in script:
                game.play(move)
        assert_books_are_clean()
        transaction.set_rollback(True)
    return game.seen


@pytest.mark.django_db
def test_the_books_never_saw_what_was_taken_back():
    seen = Counter[str]()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(moves, min_size=MOVES // 2, max_size=MOVES))
    @example(ONE_OF_EACH)
    def walk(script):
        seen.update(play(script))

    walk()
    print(dict(seen))
    assert {"corrected", "lot_in_use", "sold_since"} <= seen.keys()
