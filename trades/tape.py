"""The trade tape: what a reader of the topic of trades makes of it. A sample, and a useful one.

Nothing here looks at orders, trades or accounts. A message is one line, told apart by its exec_id,
and a line is never changed; so a message that comes twice, or again from offset 0, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db import transaction

from bengi.kafka_messages import TradeMessage
from bengi.terms import Side
from trades.models import TapeDay, TapeOffset, TapePrint

Day = tuple[UUID, date]


@transaction.atomic
def print_tape(messages: Sequence[TradeMessage], offsets: Mapping[int, int]) -> int:
    """Write the lines that are new, add them to their days, and return how many there were.

    offsets: by partition, where to go on reading; they move in the same transaction. Who prints a
    partition holds its row, so two who read it at once print one after the other.
    """
    held = _hold(offsets)
    known = TapePrint.objects.filter(exec_id__in=[message.exec_id for message in messages])
    exec_ids = set(known.values_list("exec_id", flat=True))
    new = {m.exec_id: _line(m) for m in messages if m.exec_id not in exec_ids}
    TapePrint.objects.bulk_create(new.values())
    _add_up(new.values())
    for offset in held:
        offset.next_offset = offsets[offset.partition]
    TapeOffset.objects.bulk_update(held, ["next_offset"])
    return len(new)


@transaction.atomic
def empty_tape() -> None:
    """Forget all that was printed, so that it is printed again from offset 0."""
    for model in (TapeOffset, TapeDay, TapePrint):
        model.objects.all().delete()


def next_offsets() -> dict[int, int]:
    """Return by partition where to go on reading."""
    return dict(TapeOffset.objects.values_list("partition", "next_offset"))


def _hold(partitions: Iterable[int]) -> list[TapeOffset]:
    rows = [TapeOffset(partition=partition) for partition in sorted(partitions)]
    TapeOffset.objects.bulk_create(rows, ignore_conflicts=True)
    found = TapeOffset.objects.select_for_update().filter(partition__in=[r.partition for r in rows])
    return list(found.order_by("partition"))


def _line(message: TradeMessage) -> TapePrint:
    return TapePrint(
        exec_id=message.exec_id,
        instrument_id=message.instrument_id,
        symbol=message.symbol,
        trade_date=message.trade_date,
        executed_at=message.executed_at,
        booked_at=message.booked_at,
        side=message.side,
        quantity=message.quantity,
        price=message.price,
        gross_amount=message.gross_amount,
        currency=message.currency,
        liquidity=message.liquidity,
        match_id=message.match_id,
        busts=message.busts,
        corrects=message.corrects,
        is_counted=message.match_id is None or message.side == Side.BUY,
    )


def _add_up(lines: Iterable[TapePrint]) -> None:
    """Add what counts of lines to their days; locked in one order, reckoned in Python."""
    counted = [line for line in lines if line.is_counted]
    if not counted:
        return
    days = _days(counted)
    for line in counted:
        day = days[line.instrument_id, line.trade_date]
        day.volume += line.quantity
        day.value += line.gross_amount
        day.executions += 1 if line.busts is None else -1
    TapeDay.objects.bulk_update(days.values(), ["volume", "value", "executions"])


def _days(lines: Sequence[TapePrint]) -> dict[Day, TapeDay]:
    """Return the days of lines, held until the transaction ends, those that are new too."""
    new = {
        (line.instrument_id, line.trade_date): TapeDay(
            instrument_id=line.instrument_id,
            trade_date=line.trade_date,
            symbol=line.symbol,
            currency=line.currency,
        )
        for line in lines
    }
    rows = [new[key] for key in sorted(new)]
    TapeDay.objects.bulk_create(rows, ignore_conflicts=True)
    found = TapeDay.objects.select_for_update().filter(
        instrument_id__in={key[0] for key in new}, trade_date__in={key[1] for key in new}
    )
    held = {(day.instrument_id, day.trade_date): day for day in found.order_by("id")}
    return {key: held[key] for key in new}
