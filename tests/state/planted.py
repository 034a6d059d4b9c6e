"""Bugs planted in the running broker: one function's source is changed while a test runs.

The old text must occur exactly once, so a bug that has gone stale fails loudly.
"""

import importlib
import inspect
import sys
import textwrap
from typing import Any, NamedTuple

import pytest

ROOTS = ("bengi", "accounts", "instruments", "portfolios", "orders", "trades")


class Bug(NamedTuple):
    """function is a dotted name inside module: "fence" or "Market.submit".

    season is the part of the year in which it shows (tests/state/stage.py).
    """

    name: str
    module: str
    function: str
    old: str
    new: str
    season: str = "clocks go forward"


BUGS = [
    Bug(
        "a closed buy keeps its cash",
        "trades.booking",
        "_hold",
        "rows.balance(order.account_id, currency).reserved += reserved - order.reserved",
        "pass",
    ),
    Bug(
        "cash is released twice",
        "trades.booking",
        "_hold",
        "reserved - order.reserved",
        "reserved - min(2 * order.reserved, rows.balance(order.account_id, currency).reserved)",
    ),
    Bug(
        "a closed sell keeps its shares",
        "trades.booking",
        "_close",
        "rows.position(order).reserved_quantity -= order.held_shares",
        "pass",
    ),
    Bug("money is rounded up", "bengi.money", "round_money", "ROUND_HALF_EVEN", "ROUND_UP"),
    Bug(
        "LIFO for FIFO",
        "portfolios.lots",
        "close_fifo",
        "_in_turn(lots, quantity)",
        "_in_turn(lots[::-1], quantity)",
    ),
    Bug(
        "a canceled order stays on the book",
        "trades.matching.market",
        "Market.cancel",
        "self._remove(order_id)",
        "self.find(order_id)",
    ),
    Bug(
        "orders do not see the book, and cross it",
        "trades.matching.market",
        "Market._best_against",
        "book = self._book.best(opposite(order.side))",
        "book = None",
    ),
    Bug(
        "a stop does not wait for its trigger",
        "trades.matching.market",
        "Market._enter",
        "if order.is_dormant:",
        "if False:",
    ),
    Bug(
        "an engine that was overtaken goes on booking",
        "trades.engine",
        "fence",
        "if not moved:",
        "if False:",
    ),
    Bug(
        "what one order took of the street is there for the next",
        "trades.matching.street",
        "Street.give",
        "self._bought += quantity",
        "pass",
    ),
    Bug(
        "a stale quote decides",
        "trades.matching.street",
        "Street.serves",
        "self._age > order.profile.max_age",
        "False",
    ),
    Bug(
        "a resting order does not wait for its turn",
        "trades.matching.resting",
        "join_queue",
        "order.queue_ahead = size",
        "order.queue_ahead = 0",
    ),
    Bug(
        "day orders outlive their day",
        "trades.expiries",
        "Expiries.due",
        "self._heap[0][0] <= now",
        "self._heap[0][0] <= now - __import__('datetime').timedelta(days=3)",
    ),
    Bug(
        "a fill is booked twice where there is room",
        "trades.booking",
        "_apply",
        "book_fill(rows, order, outcome, decision)",
        "for _ in range(1 + (order.leaves_quantity >= 2 * from_fixed(outcome.quantity))):\n"
        "                book_fill(rows, order, outcome, decision)",
    ),
    Bug(
        "a quote that is delivered twice is there twice",
        "trades.matching.street",
        "Street.hear",
        "quote.as_of < known.as_of or quote == known",
        "quote.as_of < known.as_of",
    ),
    Bug(
        "a sale owes the levies of the day its order came",
        "trades.fills",
        "new_trade",
        "day=trade_date)",
        "day=session_date(instrument.mic, order.accepted_at))",
    ),
    Bug(
        "an order pays the commission of years ago",
        "orders.costs",
        "Costs.row",
        "in_force(dated, session_date(mic, now)) or own",
        "own",
    ),
    Bug(
        "a sale settles at once",
        "trades.settlement",
        "settles_on",
        "    return day",
        "    return trade_date",
    ),
    Bug(
        "HIFO takes the cheapest",
        "portfolios.lots",
        "close_hifo",
        "reverse=True",
        "reverse=False",
    ),
    Bug(
        "averaging leaves the costs of the lots as they were",
        "portfolios.lots",
        "close_lots",
        "if method is CostBasisMethod.AVERAGE and not picks:",
        "if False:",
    ),
    Bug(
        "holidays are days like others",
        "instruments.calendar",
        "Calendar.special_day",
        "return self.facts.get((mic, day))",
        "return None",
        season="Thanksgiving",
    ),
    Bug(
        "staff's word about a day is not heard",
        "instruments.days",
        "refresh_overrides",
        "if overrides == calendar.in_use().overrides:",
        "if True:",
    ),
    Bug(
        "a day ends an hour late when the clocks have changed",
        "instruments.calendar",
        "_utc",
        "datetime.combine(day, local, zone).astimezone(UTC)",
        "datetime.combine(day, local, UTC) + timedelta(hours=5)",
    ),
    Bug(
        "good till a time means good for ever",
        "trades.work",
        "Desk._ends_at",
        "return order.expires_at",
        "return None",
    ),
    Bug(
        "an order for the opening does not wait for it",
        "trades.matching.market",
        "Market.submit",
        "if order.time_in_force in _AT_A_MOMENT:",
        "if order.time_in_force is _CLS:",
    ),
    Bug(
        "an order for the close ends like any other",
        "trades.work",
        "Desk._expire",
        "if order is None or order.time_in_force not in AT_A_MOMENT:",
        "if True:",
    ),
    Bug(
        "a stop limit that has fired forgets its limit",
        "trades.matching.market",
        "Market._take",
        "is_within(price, order.bound, order.side)",
        "is_within(price, None if order.triggered else order.bound, order.side)",
    ),
    Bug(
        "a trailing stop turns back",
        "trades.matching.trails",
        "TrailBook.reached",
        "if _mark(order) < last]",
        "if _mark(order) != last]",
    ),
    Bug(
        "a trailing stop comes too near",
        "trades.matching.trails",
        "stop_behind",
        "exact // parts if is_sell",
        "-(-exact // parts) if is_sell",
    ),
    Bug(
        "an order that only wants less goes to the back",
        "trades.work",
        "Desk._replace",
        "[] if is_late or not only_wants_less(old, new) else market.swap(old_id, working)",
        "[]",
    ),
    Bug(
        "a new order wants again what the old one has filled",
        "trades.booking",
        "_replace",
        "new.quantity - old.worked_quantity",
        "new.quantity",
    ),
    Bug(
        "an order that was replaced keeps its cash",
        "trades.booking",
        "_replace",
        "_hold(rows, new, needed)",
        "new.reserved = needed",
    ),
    Bug(
        "what was to replace a closed order hangs on",
        "trades.booking",
        "_close",
        "_drop(rows, other, now)",
        "pass",
    ),
    Bug(
        "while a replace waits, only the new order is paid for",
        "orders.replacing",
        "cash_to_hold",
        "worst = max(ZERO, price * left - order.bound * leaves, price * (left - leaves))",
        "worst = ZERO",
    ),
    Bug(
        "the frozen may order",
        "orders.rules",
        "_standing",
        "if status is AccountStatus.FROZEN:",
        "if status is None:",
    ),
    Bug(
        "a print that nobody believes fires stops",
        "instruments.board",
        "Board._accept",
        "if doubt is not None:",
        "if False:",
    ),
    Bug(
        "cash that orders hold can be withdrawn",
        "accounts.settlement",
        "cash_state",
        "settled - reserved",
        "settled",
    ),
    Bug(
        "what is halted fills",
        "trades.work",
        "Desk._tick",
        "if is_halted or not",
        "if not",
    ),
    Bug(
        "the kill switch stops one and not all",
        "orders.selectors",
        "halted_accounts",
        "reasons.get(account_id, reasons.get(None))",
        "reasons.get(account_id)",
    ),
    Bug(
        "nobody asks about a second order that looks like the first",
        "orders.rules",
        "_twin",
        "if twin is not None and not ticket.is_confirmed:",
        "if False:",
    ),
    Bug(
        "who is slow comes in time",
        "trades.matching.street",
        "Street.serves",
        "self.quote.as_of >= order.starts_at",
        "True",
    ),
    Bug(
        "an order changes its profile with its account",
        "trades.working_orders",
        "working_order",
        "order.realism",
        "order.account.realism",
    ),
    Bug(
        "a split is applied twice",
        "trades.corporate.splitting",
        "apply_split",
        "action.status, action.applied_at = CorporateActionStatus.APPLIED, now",
        "action.applied_at = now",
    ),
    Bug(
        "lots are split twice",
        "trades.corporate.holdings",
        "_split_position",
        "    holding = split_holding(",
        "    for lot in lots if rows.ratio.old == 1 else []:\n"
        "        lot.quantity *= rows.ratio.new\n"
        "        lot.remaining_quantity *= rows.ratio.new\n"
        "    holding = split_holding(",
    ),
    Bug(
        "open orders are split twice",
        "trades.corporate.orders",
        "split_orders",
        "            _adjust(rows, order)",
        "            _adjust(rows, order)\n"
        "            if order.is_open:\n"
        "                _adjust(rows, order)",
    ),
    Bug(
        "what has been filled is split with what has not",
        "trades.corporate.orders",
        "terms_of",
        "quantity=order.leaves_quantity",
        "quantity=order.quantity",
    ),
    Bug(
        "a buy may pay more after a split",
        "orders.splits",
        "split_terms",
        "nearer, away = (floor_to, ceil_to) if buys",
        "nearer, away = (ceil_to, ceil_to) if buys",
    ),
    Bug(
        "a fraction is worth an old share",
        "trades.corporate.rows",
        "_price_in_lieu",
        "return action.ratio.price(last or ZERO)",
        "return Fraction(last or ZERO)",
    ),
    Bug(
        "who sells on the ex-date gets no dividend",
        "trades.corporate.dividends",
        "entitle",
        "entitlements(action, action.effective_at)",
        "entitlements(action, now)",
    ),
]

TWO_COMMITS = Bug(
    "a batch is booked in two commits",
    "trades.rows",
    "save",
    "    Trade.objects.bulk_create(rows.trades)",
    "    __import__('django.db').db.connection.connection.commit()\n"
    "    Trade.objects.bulk_create(rows.trades)",
)
"""For the crash lab: only a kill between the two can show it."""


def plant(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the changed function wherever the right one is known by name."""
    owner: Any = importlib.import_module(bug.module)
    *classes, name = bug.function.split(".")
    namespace = vars(owner)
    for each in classes:
        owner = getattr(owner, each)
    right = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(right))
    assert source.count(bug.old) == 1, f"{bug.name}: the text to change is not there once"
    made: dict[str, Any] = {}
    code = compile(source.replace(bug.old, bug.new), f"<planted: {bug.name}>", "exec")
    exec(code, namespace, made)
    monkeypatch.setattr(owner, name, made[name])
    for module in [m for m in sys.modules.values() if _is_ours(m)]:
        if module is not owner and getattr(module, name, None) is right:
            monkeypatch.setattr(module, name, made[name])


def _is_ours(module: Any) -> bool:
    return getattr(module, "__name__", "").partition(".")[0] in ROOTS
