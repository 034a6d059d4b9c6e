"""The rows that a desk is made of: read in one round trip on PostgreSQL, in turn elsewhere.

Both ways find the same; orders/tests run on both databases.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from accounts.models import Account, CashBalance, FeeSchedule
from accounts.services import lock_accounts
from bengi.ahead import sent_ahead
from bengi.arrays import array_of, ask_values, columns_of, rows_of
from bengi.bulk import has_arrays, lead
from bengi.events.models import Stream
from bengi.events.services import Log, heads_of
from instruments.models import Instrument
from instruments.selectors import instruments_by_symbol
from orders.costs import schedules_of
from orders.facts import Limits
from orders.limits import limits_of, read_limits
from orders.models import Order, RiskLimits
from orders.selectors import halted_accounts, orders_by_key
from orders.twins import WINDOW, Likeness, by_looks, recent_orders
from portfolios.models import Position

Holding = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class DeskKeys:
    """What the rows are read for, of a set of tickets.

    accounts: those that the caller has read, and locked where it wants to write; None: they are
    locked here. named holds who names which symbol; selling the portfolios that sell one, unsure
    the accounts that do not mean it twice.
    """

    account_ids: Sequence[UUID]
    accounts: Mapping[UUID, Account] | None
    symbols: frozenset[str]
    keys: Sequence[tuple[UUID, str]]
    named: frozenset[tuple[UUID, str]]
    selling: frozenset[tuple[UUID, str]]
    unsure: frozenset[tuple[UUID, str]]
    now: datetime


@dataclass(frozen=True, slots=True)
class DeskRows:
    """open_orders counts by account, instrument and side; open_in_all by account.

    log: knows the heads of the accounts' streams where they have been read with these rows.
    """

    accounts: Mapping[UUID, Account]
    log: Log
    instruments: dict[str, Instrument]
    balances: dict[tuple[UUID, str], CashBalance]
    positions: dict[Holding, Position]
    known: dict[tuple[UUID, str], Order]
    schedules: list[FeeSchedule]
    limits: dict[UUID, Limits]
    halts: dict[UUID, str]
    recent: dict[Likeness, UUID]
    open_orders: Counter[tuple[UUID, UUID, str]]
    open_in_all: Counter[UUID]


def read_rows(by: DeskKeys) -> DeskRows:
    """Return what the tickets are judged by; a fixed number of statements."""
    return _together(by) if has_arrays() else _in_turn(by)


# -- one after the other -----------------------------------------------------------------------


def _in_turn(by: DeskKeys) -> DeskRows:
    accounts = by.accounts
    if accounts is None:
        accounts = lock_accounts(by.account_ids)
    instruments = instruments_by_symbol(by.symbols)
    ids = [instrument.id for instrument in instruments.values()]
    held: Iterable[Position] = ()
    if by.selling:
        portfolio_ids = {portfolio_id for portfolio_id, _ in by.selling}
        held = Position.objects.filter(portfolio_id__in=portfolio_ids, instrument_id__in=ids)
    counts = (
        Order.objects.filter(account_id__in=accounts, closed_at__isnull=True)
        .values_list("account_id", "instrument_id", "side")
        .annotate(count=Count("id"))
        .order_by()
    )
    here, in_all = _counted(counts)
    return DeskRows(
        accounts=accounts,
        log=Log(),
        instruments=instruments,
        balances=_by_currency(CashBalance.objects.filter(account_id__in=accounts)),
        positions=_by_holding(held),
        known=_by_key(orders_by_key(by.keys)),
        schedules=schedules_of(accounts.values()),
        limits=read_limits(accounts),
        halts=halted_accounts(accounts),
        recent=recent_orders({each for each, _ in by.unsure}, ids, by.now),
        open_orders=here,
        open_in_all=in_all,
    )


def _by_currency(rows: Iterable[CashBalance]) -> dict[tuple[UUID, str], CashBalance]:
    return {(row.account_id, row.currency): row for row in rows}


def _by_holding(rows: Iterable[Position]) -> dict[Holding, Position]:
    return {(row.portfolio_id, row.instrument_id): row for row in rows}


def _by_key(rows: Iterable[Order]) -> dict[tuple[UUID, str], Order]:
    return {(row.account_id, row.client_order_id): row for row in rows}


def _counted(
    rows: Iterable[tuple[Any, ...]],
) -> tuple[Counter[tuple[UUID, UUID, str]], Counter[UUID]]:
    here: Counter[tuple[UUID, UUID, str]] = Counter()
    in_all: Counter[UUID] = Counter()
    for account_id, instrument_id, side, count in rows:
        here[account_id, instrument_id, side] += count
        in_all[account_id] += count
    return here, in_all


# -- together ----------------------------------------------------------------------------------


def _together(by: DeskKeys) -> DeskRows:
    """The lock comes first: what is read behind it is what it guards.

    Of an account's open orders those in the instruments that it names are counted apart.
    """
    ids, symbols = array_of(by.account_ids), array_of(by.symbols)
    since = (by.now - WINDOW).isoformat()
    with sent_ahead():
        locked = ask_values(_lock(), [ids]) if by.accounts is None else []
        standing = ask_values(_standing(), [ids])
        instruments = ask_values(_instruments(), [symbols])
        dated = ask_values(_schedules(), [ids])
        known = ask_values(KNOWN, _pairs(by.keys))
        counts = ask_values(COUNTS, [ids, *_pairs(by.named)])
        unsure = [*_pairs(by.unsure), since]
        recent = ask_values(RECENT, unsure) if by.unsure else []
        held = ask_values(_positions(), _pairs(by.selling)) if by.selling else []
    schedules = rows_of(FeeSchedule, dated)
    accounts = by.accounts
    if accounts is None:
        accounts = {row.id: row for row in rows_of(Account, locked)}
        lead(accounts.values(), "fee_schedule", schedules)
    again = [order_id for (order_id,) in known]
    replayed = Order.objects.filter(id__in=again).select_related("instrument") if again else ()
    halts, (heads, limits, balances) = _parts(standing)
    return DeskRows(
        accounts=accounts,
        log=Log(heads_of(accounts, heads) if by.accounts is None else None),
        instruments={row.symbol: row for row in rows_of(Instrument, instruments)},
        balances=_by_currency(balances),
        positions=_by_holding(rows_of(Position, held)),
        known=_by_key(replayed),
        schedules=schedules,
        limits={row.account_id: limits_of(row) for row in limits},
        halts=halts,
        recent=by_looks(recent),
        open_orders=Counter({(*key, side): n for *key, side, n in counts if side}),
        open_in_all=Counter({account_id: n for account_id, _, side, n in counts if not side}),
    )


def _parts(rows: Sequence[tuple[Any, ...]]) -> tuple[dict[UUID, str], list[list[Any]]]:
    """Return what _standing() selects: why accounts may not trade, then rows of OF_ACCOUNTS."""
    halts = {account_id: reason for account_id, reason, *_ in rows if reason is not None}
    found, first = list[list[Any]](), 2
    for model in OF_ACCOUNTS:
        last = first + len(model._meta.concrete_fields)
        parts = {row[first]: row[first:last] for row in rows if row[first] is not None}
        found.append(rows_of(model, parts.values()))
        first = last
    return halts, found


def _pairs(pairs: Collection[tuple[UUID, str]]) -> list[str]:
    return [array_of([one for one, _ in pairs]), array_of([other for _, other in pairs])]


NAMED = (
    "SELECT k.owner_id, i.id FROM unnest(%s::uuid[], %s::text[]) AS k (owner_id, word)"
    " JOIN instruments_instrument i ON i.symbol = k.word"
)
"""The instruments by whose tickets they are named: pair by pair. Two lists side by side would be
looked up each with each."""
KNOWN = (
    "SELECT o.id FROM unnest(%s::uuid[], %s::text[]) AS k (account_id, word)"
    " JOIN orders_order o ON o.account_id = k.account_id AND o.client_order_id = k.word"
)
COUNTS = (
    "SELECT account_id, NULL::uuid, NULL, count(*) FROM orders_order"  # noqa: S608 - our own words
    " WHERE account_id = ANY(%s::uuid[]) AND closed_at IS NULL GROUP BY account_id"
    f" UNION ALL SELECT account_id, instrument_id, side, count(*) FROM ({NAMED}) AS named"
    " JOIN orders_order o ON o.account_id = owner_id AND o.instrument_id = named.id"
    " WHERE closed_at IS NULL GROUP BY account_id, instrument_id, side"
)
"""All open orders of each account, then those in the instruments that it names."""
RECENT = (
    f"SELECT o.id, {', '.join(Likeness._fields)} FROM ({NAMED}) AS named"  # noqa: S608 - our own
    " JOIN orders_order o ON o.account_id = owner_id AND o.instrument_id = named.id"
    " WHERE accepted_at > %s::timestamptz AND (closed_at IS NULL OR filled_quantity > 0)"
    " ORDER BY o.id"
)


def _instruments() -> str:
    """The last one of a symbol wins, as in instruments_by_symbol()."""
    columns = columns_of(Instrument)
    where = "WHERE symbol = ANY(%s::text[]) ORDER BY has_feed, mic DESC"
    return f"SELECT {columns} FROM instruments_instrument {where}"  # noqa: S608


OF_ACCOUNTS: tuple[type[Stream], type[RiskLimits], type[CashBalance]]
OF_ACCOUNTS = (Stream, RiskLimits, CashBalance)
"""Their first column is their key."""


def _standing() -> str:
    """Each account with why it is halted and the rows of OF_ACCOUNTS, once for each currency.

    A head needs no lock of its own: nobody appends to a stream whose account is locked.
    """
    columns = ", ".join(columns_of(model) for model in OF_ACCOUNTS)
    halts = "(SELECT account_id, reason FROM orders_tradinghalt WHERE lifted_at IS NULL)"
    return (
        f"SELECT a.id, coalesce(own.reason, everybody.reason), {columns}"  # noqa: S608
        " FROM unnest(%s::uuid[]) AS a (id)"
        " LEFT JOIN events_stream ON events_stream.id = a.id"
        " LEFT JOIN orders_risklimits ON orders_risklimits.account_id = a.id"
        " LEFT JOIN accounts_cashbalance ON accounts_cashbalance.account_id = a.id"
        f" LEFT JOIN {halts} AS own ON own.account_id = a.id"
        f" LEFT JOIN {halts} AS everybody ON everybody.account_id IS NULL"
    )


def _schedules() -> str:
    """All rows of the codes that the accounts have."""
    return (
        f"SELECT {columns_of(FeeSchedule)} FROM accounts_feeschedule WHERE code IN"  # noqa: S608
        " (SELECT s.code FROM accounts_feeschedule s JOIN accounts_account a"
        " ON a.fee_schedule_id = s.id WHERE a.id = ANY(%s::uuid[]))"
    )


def _lock() -> str:
    """What lock_accounts() does, without their schedules."""
    where = "WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
    return f"SELECT {columns_of(Account)} FROM accounts_account {where}"  # noqa: S608


def _positions() -> str:
    where = f"WHERE (portfolio_id, instrument_id) IN ({NAMED})"
    return f"SELECT {columns_of(Position)} FROM portfolios_position {where}"  # noqa: S608
