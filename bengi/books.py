"""Every invariant of the books that is a query. A check yields one line per row that is wrong.

Totals are recomputed in Decimal from the rows below them; nothing here trusts a running total.
Numbers in brackets are those of the list in docs/invariants.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F

from accounts.models import CashBalance, LedgerEntry, LedgerTransaction
from bengi.alert_books import ALERT_CHECKS
from bengi.audit_books import AUDIT_CHECKS
from bengi.cash_books import CASH_CHECKS
from bengi.corporate_books import CORPORATE_CHECKS, Shares, shares_left
from bengi.correction_books import CORRECTION_CHECKS
from bengi.cost_books import COST_CHECKS
from bengi.events.models import Event, Stream
from bengi.events.services import chain_hash
from bengi.group_books import GROUP_CHECKS
from bengi.lot_books import LOT_CHECKS
from bengi.money import ZERO, plain, round_money
from bengi.orphan_books import ORPHAN_CHECKS
from bengi.street_books import STREET_CHECKS
from bengi.terms import LedgerBook, OrderStatus, Side, TradeKind
from orders.lifecycle import OPEN
from orders.models import Order
from orders.trailing import stop_behind
from portfolios.models import Lot, LotClosing, Position
from trades.models import Trade
from trades.past import OF_TRADES
from trades.selectors import standing_trades

Sums = defaultdict[Any, Decimal]
OPEN_STATUSES = [status.value for status in OPEN]


def _sums() -> Sums:
    return defaultdict(lambda: ZERO)


def transactions_balance() -> Iterator[str]:
    """[1, 4] Every ledger transaction sums to zero per currency, and so does the whole ledger."""
    sums = _sums()
    rows = LedgerEntry.objects.values_list("transaction_id", "currency", "amount")
    for transaction_id, currency, amount in rows.iterator():
        sums[transaction_id, currency] += amount
    for (transaction_id, currency), total in sums.items():
        if total:
            yield f"transaction {transaction_id} is off by {plain(total)} {currency}"
    for empty in LedgerTransaction.objects.filter(entries__isnull=True):
        yield f"transaction {empty.id} has no entries"


def cash_equals_entries() -> Iterator[str]:
    """[2, 3] A balance is the sum of its entries, and never less than what is reserved of it."""
    sums = _sums()
    entries = LedgerEntry.objects.filter(book=LedgerBook.CUSTOMER_CASH)
    for account_id, currency, amount in entries.values_list(
        "account_id", "currency", "amount"
    ).iterator():
        sums[account_id, currency] += amount
    for balance in CashBalance.objects.all():
        total = sums.pop((balance.account_id, balance.currency), ZERO)
        where = f"account {balance.account_id} {balance.currency}"
        if balance.amount != total:
            yield f"{where}: balance {plain(balance.amount)}, entries {plain(total)}"
        if not ZERO <= balance.reserved <= balance.amount:
            yield f"{where}: {plain(balance.reserved)} reserved of {plain(balance.amount)}"
    for (account_id, currency), total in sums.items():
        if total:
            yield f"account {account_id} {currency}: entries {plain(total)} without a balance"


def cash_in_minor_units() -> Iterator[str]:
    """[5] Cash moves in whole minor units of its currency; what is finer stays with the house."""
    entries = LedgerEntry.objects.exclude(book__in=[LedgerBook.FX, LedgerBook.ROUNDING])
    rows = entries.values_list("id", "currency", "amount")
    for entry_id, currency, amount in rows.iterator():
        if amount != round_money(amount, currency):
            yield f"entry {entry_id} of {plain(amount)} {currency} is finer than the currency"


def reservations_equal_open_orders() -> Iterator[str]:
    """[9, 10, 12] What is reserved is what open orders hold; closed orders hold nothing."""
    cash, shares = _held()
    for order in Order.objects.exclude(status__in=OPEN_STATUSES).exclude(reserved=0):
        yield f"order {order.id} is {order.status} and holds {plain(order.reserved)}"
    for balance in CashBalance.objects.all():
        held = cash.pop((balance.account_id, balance.currency), ZERO)
        if balance.reserved != held:
            where = f"account {balance.account_id} {balance.currency}"
            yield f"{where}: {plain(balance.reserved)} reserved, open buys hold {plain(held)}"
    for position in Position.objects.all():
        held = shares.pop((position.portfolio_id, position.instrument_id), ZERO)
        if position.reserved_quantity != held:
            reserved = plain(position.reserved_quantity)
            yield f"position {position.id}: {reserved} reserved, open sells hold {plain(held)}"
    for key, held in [*cash.items(), *shares.items()]:
        if held:
            yield f"{key}: open orders hold {plain(held)} of nothing"


def _held() -> tuple[Sums, Sums]:
    """Return the cash that open buys hold and the shares that open sells do."""
    cash, shares = _sums(), _sums()
    open_orders = Order.objects.filter(status__in=OPEN_STATUSES)
    for order in open_orders.select_related("instrument", "replaces").iterator():
        if order.side == Side.BUY:
            cash[order.account_id, order.instrument.currency] += order.reserved
        else:
            shares[order.portfolio_id, order.instrument_id] += order.held_shares
    return cash, shares


def orders_equal_trades() -> Iterator[str]:
    """[6, 13, 14, 19] Fills, values and costs sum up, within quantity and limit."""
    quantity, value, commission, gross = _sums(), _sums(), _sums(), _sums()
    fees, once, first = _sums(), _sums(), _sums()
    for trade in Trade.objects.select_related("order").iterator():
        quantity[trade.order_id] += trade.quantity
        value[trade.order_id] += trade.quantity * trade.price
        if trade.kind == TradeKind.EXECUTION:
            once[trade.order_id] += trade.quantity
            first[trade.order_id] += trade.quantity * trade.price
        commission[trade.order_id] += trade.commission
        fees[trade.order_id] += trade.fees
        gross[trade.order_id] += trade.gross_amount
        yield from _worse_than_limit(trade)
    for order in Order.objects.select_related("instrument").iterator():
        currency = order.instrument.currency
        for name, stored, summed in (
            ("filled_quantity", order.filled_quantity, quantity[order.id]),
            ("filled_value", order.filled_value, value[order.id]),
            ("commission", order.commission, commission[order.id]),
            ("fees", order.fees, fees[order.id]),
            ("gross", gross[order.id], round_money(value[order.id], currency)),
            ("busted_quantity", order.busted_quantity, once[order.id] - quantity[order.id]),
            ("busted_value", order.busted_value, first[order.id] - value[order.id]),
        ):
            if stored != summed:
                yield f"order {order.id}: {name} {plain(stored)}, trades say {plain(summed)}"
        is_full = order.worked_quantity == order.quantity
        if is_full != (order.status == OrderStatus.FILLED):
            yield f"order {order.id} is {order.status} with {plain(order.worked_quantity)} filled"


def _worse_than_limit(trade: Trade) -> Iterator[str]:
    bound = trade.order.limit_price or trade.order.protection_price
    is_buy = trade.side == Side.BUY
    if bound is not None and (trade.price > bound if is_buy else trade.price < bound):
        yield f"trade {trade.exec_id}: {plain(trade.price)} is worse than {plain(bound)}"
    if trade.side != trade.order.side:
        yield f"trade {trade.exec_id}: {trade.side} on an order to {trade.order.side}"
    if trade.order.stop_price is not None and trade.order.triggered_at is None:
        yield f"trade {trade.exec_id}: its stop had not triggered"


def trades_follow_acceptance() -> Iterator[str]:
    """[20] No trade was done before its order was accepted, and no shares sold before they came."""
    early = Trade.objects.filter(executed_at__lt=F("order__accepted_at"))
    for trade in early.select_related("order").iterator():
        accepted_at = trade.order.accepted_at
        yield f"trade {trade.exec_id}: done {accepted_at - trade.executed_at} before its order came"
    backwards = LotClosing.objects.filter(closed_at__lt=F("lot__opened_at"))
    for closing in backwards.iterator():
        yield f"closing {closing.id}: its lot was opened after the sale"


def replaced_orders_have_one_heir() -> Iterator[str]:
    """[16] A replaced order names the one that took its place, and that one names it."""
    heirs = {
        order.id: order.replaces_id
        for order in Order.objects.filter(replaces__isnull=False)
        .exclude(status=OrderStatus.REJECTED)
        .select_related("replaces")
        if not order.waits_to_replace
    }
    for order in Order.objects.filter(status=OrderStatus.REPLACED).iterator():
        if order.replaced_by is None or heirs.pop(order.replaced_by, None) != order.id:
            yield f"order {order.id} is replaced by {order.replaced_by}, which replaces another"
    for heir_id, order_id in heirs.items():
        yield f"order {heir_id} replaces {order_id}, which is not replaced"


def trailing_stops_stand_behind_their_mark() -> Iterator[str]:
    """[19] A trailing stop stands as far behind the best print so far as was asked for."""
    trailing = Order.objects.filter(high_water_mark__isnull=False)
    for order in trailing.select_related("instrument").iterator():
        assert order.high_water_mark is not None
        stop = stop_behind(
            Side(order.side),
            order.high_water_mark,
            trail_price=order.trail_price,
            trail_percent=order.trail_percent,
            tick_size=order.instrument.tick_size,
        )
        if order.stop_price != stop:
            yield f"order {order.id}: its stop is not at {plain(stop)}, behind its mark"


def trades_are_in_the_ledger() -> Iterator[str]:
    """[2] Each trade moved cash by its net amount, once: gross, commission and fees apart.

    A bust did so by reversing the transactions of the trade that it takes back.
    """
    booked, undone = _sums(), _sums()
    cash = LedgerEntry.objects.filter(book=LedgerBook.CUSTOMER_CASH)
    entries = cash.filter(transaction__kind__in=OF_TRADES)
    for reference, amount in entries.values_list("transaction__reference", "amount").iterator():
        booked[reference] += amount
    reversed_ = cash.filter(transaction__reverses__kind__in=OF_TRADES)
    original = "transaction__reverses__reference"
    for reference, amount in reversed_.values_list(original, "amount").iterator():
        undone[reference] += amount
    for trade in Trade.objects.iterator():
        if trade.busts_id is None:
            moved = booked.pop(str(trade.exec_id), ZERO)
        else:
            moved = undone.pop(str(trade.busts_id), ZERO)
        sign = -1 if trade.side == Side.BUY else 1
        net = sign * trade.gross_amount - trade.commission - trade.fees
        if moved != trade.net_amount or net != trade.net_amount:
            yield f"trade {trade.exec_id}: net {plain(trade.net_amount)}, ledger {plain(moved)}"
    for reference, moved in booked.items():
        yield f"ledger moved {plain(moved)} for trade {reference}, which does not exist"


def matches_have_two_sides() -> Iterator[str]:
    """[24] A match between customers is one buy and one sell of the same quantity and price.

    Busts take back both sides or none.
    """
    sides: dict[UUID | None, list[Trade]] = defaultdict(list)
    standing = standing_trades().filter(match_id__isnull=False)
    for trade in standing.iterator():
        sides[trade.match_id].append(trade)
    for match_id, pair in sides.items():
        shape = {(trade.quantity, trade.price, trade.instrument_id) for trade in pair}
        if sorted(trade.side for trade in pair) != [Side.BUY, Side.SELL] or len(shape) != 1:
            yield f"match {match_id} does not have two equal sides"
        if len({trade.account_id for trade in pair}) != len(pair):
            yield f"match {match_id} is an account trading with itself"


def positions_equal_lots() -> Iterator[str]:
    """[25] A position is the sum of its open lots, and of its trades through its splits."""
    lots, traded = _sums(), Shares().now()
    for portfolio_id, instrument_id, left in Lot.objects.values_list(
        "portfolio_id", "instrument_id", "remaining_quantity"
    ).iterator():
        lots[portfolio_id, instrument_id] += left
    for position in Position.objects.all():
        key = (position.portfolio_id, position.instrument_id)
        in_lots, in_trades = lots.pop(key, ZERO), traded.pop(key, ZERO)
        if not position.quantity == in_lots == in_trades:
            where, held = f"position {position.id}", plain(position.quantity)
            yield f"{where}: {held}, lots {plain(in_lots)}, trades {plain(in_trades)}"
    for key, left in [*lots.items(), *traded.items()]:
        if left:
            yield f"{key}: {plain(left)} shares without a position"


def lots_equal_closings() -> Iterator[str]:
    """[26, 27] What is left of a lot is what its closings left; the sales' proceeds add up."""
    cost, proceeds, left = _sums(), _sums(), shares_left()
    for closing in LotClosing.objects.iterator():
        cost[closing.lot_id] += closing.cost
        proceeds[closing.trade_id] += closing.proceeds
        if closing.realized_pnl != closing.proceeds - closing.cost:
            yield f"closing {closing.id}: realized is not proceeds less cost"
    for lot in Lot.objects.iterator():
        is_left = lot.busted_by is None
        paid = lot.cost + lot.cost_shift if is_left else ZERO
        if lot.remaining_quantity != (left[lot.id] if is_left else ZERO):
            yield f"lot {lot.id}: {plain(lot.remaining_quantity)} left, closings disagree"
        if lot.remaining_cost != paid - cost[lot.id]:
            yield f"lot {lot.id}: cost {plain(lot.remaining_cost)} left, closings disagree"
        if not lot.remaining_quantity and lot.remaining_cost:
            yield f"lot {lot.id}: closed with {plain(lot.remaining_cost)} of cost left over"
    for trade in Trade.objects.filter(side=Side.SELL).iterator():
        if proceeds[trade.exec_id] != trade.net_amount:
            yield f"sale {trade.exec_id}: its closings took {plain(proceeds[trade.exec_id])}"


def events_are_dense_and_chained() -> Iterator[str]:
    """[31] seq counts from 1 without a gap, and each hash covers its event and the one before."""
    heads: dict[UUID, tuple[int, str]] = {}
    for event in Event.objects.order_by("stream_id", "seq").iterator():
        seq, previous = heads.get(event.stream_id, (0, ""))
        if event.seq != seq + 1:
            yield f"stream {event.stream_id}: seq {event.seq} follows {seq}"
        expected = chain_hash(previous, event.seq, event.type, event.version, event.payload)
        if event.hash != expected:
            yield f"stream {event.stream_id} seq {event.seq}: the hash does not fit"
        heads[event.stream_id] = (event.seq, event.hash)
    for stream in Stream.objects.all():
        if (stream.seq, stream.head_hash) != heads.get(stream.id, (0, "")):
            yield f"stream {stream.id}: the head does not fit its events"


CHECKS: list[Callable[[], Iterator[str]]] = [
    transactions_balance,
    cash_equals_entries,
    cash_in_minor_units,
    reservations_equal_open_orders,
    orders_equal_trades,
    trades_follow_acceptance,
    replaced_orders_have_one_heir,
    trailing_stops_stand_behind_their_mark,
    trades_are_in_the_ledger,
    matches_have_two_sides,
    positions_equal_lots,
    lots_equal_closings,
    events_are_dense_and_chained,
    *CASH_CHECKS,
    *LOT_CHECKS,
    *COST_CHECKS,
    *GROUP_CHECKS,
    *CORPORATE_CHECKS,
    *STREET_CHECKS,
    *CORRECTION_CHECKS,
    *AUDIT_CHECKS,
    *ALERT_CHECKS,
    *ORPHAN_CHECKS,
]


def check_books() -> dict[str, list[str]]:
    """Run every check; return the lines of each, an empty list where all is well."""
    return {check.__name__: list(check()) for check in CHECKS}
