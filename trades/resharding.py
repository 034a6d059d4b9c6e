"""Move instruments to other shards while the books stand open; see docs/operations.md.

An order's place in its queue is counted on from its shard's version, so all shards go on from the
highest one: what is placed on the new shard comes after what waited on the old one, and engines
that still hold an instrument that is no longer theirs are fenced, or told by their next beat.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from instruments.models import Instrument
from instruments.services import shard_of
from trades.models import SetAside, Shard


@transaction.atomic
def reshard(shards: int) -> int:
    """Put every instrument on its shard of so many; return how many have moved.

    Locks as corrections of instruments do: instruments, then shards, each by ascending id. The
    number of statements grows with the shards, not with the instruments. Where nothing moves,
    nothing is written.
    """
    assert shards > 0
    rows = list(Instrument.objects.select_for_update(no_key=True).order_by("id"))
    moves = _moves(rows, shards)
    if not moves:
        return 0
    _fence({row.shard for row in rows} | set(moves))
    for shard, moved in moves.items():
        Instrument.objects.filter(id__in=moved).update(shard=shard)
    theirs = Instrument.objects.filter(id=OuterRef("instrument_id")).values("shard")
    SetAside.objects.update(shard=Subquery(theirs))
    return sum(map(len, moves.values()))


def _moves(rows: Iterable[Instrument], shards: int) -> dict[int, list[UUID]]:
    """Return the ids of the instruments that move, by the shard they move to."""
    moves: dict[int, list[UUID]] = defaultdict(list)
    for row in rows:
        shard = shard_of(row.symbol, row.mic, shards)
        if shard != row.shard:
            moves[shard].append(row.id)
    return moves


def _fence(shard_ids: Iterable[int]) -> None:
    """Let all the shards, new ones too, go on from the version that follows the highest of them."""
    wanted = sorted(shard_ids)
    Shard.objects.bulk_create([Shard(id=each) for each in wanted], ignore_conflicts=True)
    locked = list(Shard.objects.select_for_update().filter(id__in=wanted).order_by("id"))
    version = max(shard.version for shard in locked) + 1
    Shard.objects.filter(id__in=wanted).update(version=version)
