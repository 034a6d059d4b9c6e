"""What a fill does to unsettled cash: a sale's proceeds wait, a buy may be paid with them.

Everything works on the rows of a batch, under its accounts' locks; accounts/settlement.py decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet, Sum

from accounts.models import GoodFaithViolation, UnsettledCash, UnsettledUse
from accounts.payloads import violation_payload
from accounts.settlement import Proceeds, is_in_good_faith, pay
from bengi.bulk import insert_rows, save_rows, update_rows
from bengi.events.services import NewEvent
from bengi.ids import new_id
from bengi.instances import made
from bengi.money import ZERO, plain
from orders.payloads import moment
from trades.models import Trade
from trades.settlement import settles_at

Purse = tuple[UUID, str]
"""(account id, currency)."""


@dataclass(slots=True)
class Settling:
    """The unsettled cash of a batch's accounts, what it paid for, and what the batch adds to it.

    ample: where settled cash covers all that the batch can spend, how much has not settled; its
    proceeds are then not read one by one. uses: by the exec_id of the buy; violated: the orders
    that have their violation already; withdrawn: violations whose sale is busted.
    """

    proceeds: dict[Purse, list[UnsettledCash]] = field(default_factory=dict)
    ample: dict[Purse, Decimal] = field(default_factory=dict)
    uses: dict[UUID, list[UnsettledUse]] = field(default_factory=dict)
    violated: set[UUID] = field(default_factory=set)
    changed: dict[UUID, UnsettledCash] = field(default_factory=dict)
    new_uses: list[UnsettledUse] = field(default_factory=list)
    violations: list[GoodFaithViolation] = field(default_factory=list)
    withdrawn: list[GoodFaithViolation] = field(default_factory=list)


def load_settling(
    account_ids: Iterable[UUID],
    since: datetime,
    spare: Mapping[Purse, Decimal] | None = None,
    sums: Sequence[tuple[UUID, str, Decimal]] | None = None,
    uses: Sequence[UnsettledUse] | None = None,
) -> Settling:
    """Read what has not settled at since, and what it paid for: at most four statements.

    spare: cash that is left when the batch has spent all it can. Where that is more than has not
    settled, settled cash pays for everything. None: proceeds are read one by one everywhere.
    sums and uses: how much has not settled and what it paid for, where that has been read.
    """
    accounts = set(account_ids)
    found = Settling()
    if spare is not None:
        sums = _sums(_waiting(accounts, since)) if sums is None else sums
        found.ample, short = _ample(sums, spare)
        accounts = {account_id for account_id, _ in short}
    if accounts:
        for row in _waiting(accounts, since).order_by("settles_at", "id"):
            found.proceeds.setdefault((row.account_id, row.currency), []).append(row)
    if found.proceeds or found.ample:
        _lead_uses(found, _uses(account_ids, since) if uses is None else uses)
    return found


def _waiting(accounts: Collection[UUID], since: datetime) -> QuerySet[UnsettledCash]:
    return UnsettledCash.objects.filter(account_id__in=accounts, settles_at__gt=since)


def _sums(waiting: QuerySet[UnsettledCash]) -> list[tuple[UUID, str, Decimal]]:
    sums = waiting.values_list("account_id", "currency").annotate(left=Sum("remaining_amount"))
    return list(sums.order_by())


def _ample(
    sums: Iterable[tuple[UUID, str, Decimal]], spare: Mapping[Purse, Decimal]
) -> tuple[dict[Purse, Decimal], set[Purse]]:
    """Return what has not settled where spare cash covers it, and where it does not."""
    left = {(account_id, currency): each for account_id, currency, each in sums}
    short = {purse for purse, each in left.items() if spare.get(purse, ZERO) < each}
    short_accounts = {account_id for account_id, _ in short}
    return {purse: each for purse, each in left.items() if purse[0] not in short_accounts}, short


def _uses(account_ids: Iterable[UUID], since: datetime) -> Iterable[UnsettledUse]:
    uses = UnsettledUse.objects.filter(
        unsettled__account_id__in=list(account_ids), unsettled__settles_at__gt=since
    )
    return uses.select_related("unsettled")


def _lead_uses(found: Settling, uses: Iterable[UnsettledUse]) -> None:
    """Note what was paid with unsettled cash; what was read one by one is the same row here."""
    by_id = {row.id: row for rows in found.proceeds.values() for row in rows}
    for use in uses:
        use.unsettled = by_id.get(use.unsettled_id, use.unsettled)
        found.uses.setdefault(use.trade_id, []).append(use)
    orders = {use.order_id for each in found.uses.values() for use in each}
    if orders:
        known = GoodFaithViolation.objects.filter(bought_by__in=orders, busted_by=None)
        found.violated = set(known.values_list("bought_by", flat=True))


def save_settling(settling: Settling) -> None:
    """Write what the batch added and changed: five statements at most."""
    save_rows(UnsettledCash, settling.changed.values(), ["remaining_amount"])
    insert_rows(UnsettledUse, settling.new_uses)
    if settling.withdrawn:
        update_rows(GoodFaithViolation, settling.withdrawn, ["busted_by"])
    insert_rows(GoodFaithViolation, settling.violations)


class Settled(msgspec.Struct, frozen=True):
    """What one fill did: the part of its own event that tells of it, and events of their own."""

    payload: dict[str, Any]
    events: Sequence[NewEvent] = ()


def settle_buy(settling: Settling, trade: Trade, cash: Decimal, at: datetime) -> Settled:
    """Pay a buy out of cash, the balance before it at at: settled cash first, then proceeds."""
    uses = _pay_with_unsettled(settling, trade, cash, at)
    return Settled({"unsettled": None, "paid_with_unsettled": [_use_payload(use) for use in uses]})


def settle_sale(
    settling: Settling, trade: Trade, mic: str, bought_in: Iterable[UUID], at: datetime
) -> Settled:
    """Keep a sale's proceeds as unsettled; record what it breaks. bought_in: the lots' buys."""
    row = _keep_proceeds(settling, trade, mic)
    violations = _find_violations(settling, trade, bought_in)
    told = _unsettled_payload(row) if row else None
    payload: dict[str, Any] = {"unsettled": told, "paid_with_unsettled": []}
    return Settled(payload, [_violation_event(violation, at) for violation in violations])


def _keep_proceeds(settling: Settling, trade: Trade, mic: str) -> UnsettledCash | None:
    """Note a sale's proceeds as unsettled until its settlement date; None when it left none."""
    if trade.net_amount <= 0:
        return None
    row = made(
        UnsettledCash,
        id=new_id(),
        account_id=trade.account_id,
        currency=trade.currency,
        amount=trade.net_amount,
        remaining_amount=trade.net_amount,
        settles_on=trade.settles_on,
        settles_at=settles_at(mic, trade.settles_on),
        trade_id=trade.exec_id,
    )
    purse = trade.account_id, trade.currency
    if purse in settling.ample:
        settling.ample[purse] += row.amount
    else:
        settling.proceeds.setdefault(purse, []).append(row)
    settling.changed[row.id] = row
    return row


def _pay_with_unsettled(
    settling: Settling, trade: Trade, cash: Decimal, at: datetime
) -> list[UnsettledUse]:
    """Take what settled cash does not cover of a buy from unsettled proceeds; cash is before it."""
    purse = trade.account_id, trade.currency
    if purse in settling.ample:
        assert cash - settling.ample[purse] >= -trade.net_amount, "settled cash covers it all"
        return []
    rows = {row.id: row for row in settling.proceeds.get(purse, [])}
    proceeds = [Proceeds(row.id, row.remaining_amount, row.settles_at) for row in rows.values()]
    uses = []
    for part in pay(-trade.net_amount, cash, proceeds, at):
        row = rows[part.id]
        row.remaining_amount -= part.amount
        settling.changed[row.id] = row
        uses.append(
            UnsettledUse(
                id=new_id(),
                unsettled=row,
                account_id=trade.account_id,
                trade_id=trade.exec_id,
                order_id=trade.order_id,
                amount=part.amount,
            )
        )
    if uses:
        settling.uses[trade.exec_id] = uses
        settling.new_uses += uses
    return uses


def _find_violations(
    settling: Settling, sale: Trade, bought_in: Iterable[UUID]
) -> list[GoodFaithViolation]:
    """Record the good-faith violations of a sale, one per buy order, and return them.

    bought_in: the exec_ids of the buys whose lots it closes.
    """
    by_order: dict[UUID, list[UnsettledUse]] = {}
    for exec_id in bought_in:
        for use in settling.uses.get(exec_id, []):
            by_order.setdefault(use.order_id, []).append(use)
    found = []
    for order_id, uses in by_order.items():
        early = [use for use in uses if use.unsettled.settles_at > sale.executed_at]
        if order_id in settling.violated or is_in_good_faith(
            sale.executed_at, [use.unsettled.settles_at for use in early]
        ):
            continue
        settling.violated.add(order_id)
        found.append(_violation(sale, order_id, early))
    settling.violations += found
    return found


def _violation(sale: Trade, order_id: UUID, uses: Sequence[UnsettledUse]) -> GoodFaithViolation:
    return GoodFaithViolation(
        id=new_id(),
        account_id=sale.account_id,
        bought_by=order_id,
        sold_by=sale.order_id,
        trade_id=sale.exec_id,
        currency=sale.currency,
        amount=sum((use.amount for use in uses), ZERO),
        settles_at=max(use.unsettled.settles_at for use in uses),
        occurred_at=sale.executed_at,
    )


def _unsettled_payload(row: UnsettledCash) -> dict[str, Any]:
    """Return a sale's unsettled proceeds as its event carries them."""
    return {
        "id": row.id,
        "amount": plain(row.amount),
        "settles_at": moment(row.settles_at),
    }


def _use_payload(use: UnsettledUse) -> dict[str, Any]:
    """Return what a buy took of unsettled proceeds as its event carries it."""
    return {"unsettled_id": use.unsettled_id, "amount": plain(use.amount)}


def _violation_event(violation: GoodFaithViolation, at: datetime) -> NewEvent:
    """Return the event that tells of a violation, in the account's stream."""
    payload = {"violation": violation_payload(violation)}
    return NewEvent(violation.account_id, "account.good_faith_violation", payload, at)
