"""The engine: the one writer of a shard. Takes work in, asks the matcher, books the answer.

Work comes from the database (accepted orders, cancel requests), from the bus (ticks) and from the
clock (sessions that close). Its books live in memory and are rebuilt from open orders whenever the
shard's version says that somebody else has written, a batch has failed or the calendar has changed.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from bengi.realtime.publish import publish
from instruments.corporate_actions import due_splits
from instruments.quotes import Tick
from trades.booking import Halted, book
from trades.corporate.splitting import apply_split
from trades.decisions import Decision
from trades.models import Shard
from trades.requests import Command, read_halted, read_requests
from trades.session import SessionHours
from trades.work import Desk

BATCH_MAX = 500
_HOUR_S = 3600
_INSTANT = timedelta(microseconds=1)


class Fenced(Exception):
    """Somebody else has written to the shard since its books were built."""


class Engine:
    """Drains one shard. drain() is called by one thread; on_ticks() may be called by any.

    guard_s_min: no profile's guard against old quotes is shorter; see settings.GUARD_S_MIN.
    """

    def __init__(self, shard_id: int, *, hours: SessionHours, guard_s_min: int = 0) -> None:
        self._shard_id = shard_id
        self._guard_s_min = guard_s_min
        self._hours = hours
        self._ticks: deque[Tick] = deque()
        self._desk: Desk | None = None
        self._version = 0
        self._open_mics: tuple[list[str], list[str]] = ([], [])
        self._edition = 0
        self._hour = 0
        self.batches = 0

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """Take the shard's ticks in; they are worked on at the next drain."""
        self._ticks.extend(tick for tick in ticks if tick.shard == self._shard_id)

    @property
    def has_ticks(self) -> bool:
        return bool(self._ticks)

    def drain(self, now: datetime, *, look_for_requests: bool = True) -> int:
        """Work one batch and return how many decisions were booked.

        Orders, cancels, ticks and expiries are decided in the order in which they happened, and a
        split that is due after what came before it. A failed batch is rolled back, its ticks are
        kept and the books are built anew.
        """
        return self._split(now, look_for_requests) + self._batch(now, look_for_requests)

    def _split(self, now: datetime, look_for_requests: bool) -> int:
        """Apply the splits that are due, each when everything before it has been worked.

        Days begin with the hour, so between two hours only a look for requests looks.
        """
        hour = int(now.timestamp()) // _HOUR_S
        if hour == self._hour and not look_for_requests:
            return 0
        booked = 0
        for action in due_splits(now, self._shard_id):
            assert action.effective_at is not None
            is_old_news_left = True
            while is_old_news_left:
                booked += self._batch(now, before=action.effective_at)
                is_old_news_left = bool(self._ticks) and self._ticks[0].as_of < action.effective_at
            apply_split(action.id, now=now)
            self.forget()
        self._hour = hour
        return booked

    def _batch(
        self, now: datetime, look_for_requests: bool = True, before: datetime | None = None
    ) -> int:
        """Work one batch; before: of what happened earlier than that, as if it were now."""
        ticks = self._take_ticks(before)
        try:
            decisions = self._decide(ticks, now, look_for_requests, before)
            if decisions:
                self._book(decisions)
        except (DatabaseError, Fenced, Halted, AssertionError):
            self._desk = None
            self._ticks.extendleft(reversed(ticks))
            raise
        return len(decisions)

    def _take_ticks(self, before: datetime | None) -> list[Tick]:
        ticks: list[Tick] = []
        while self._ticks and len(ticks) < BATCH_MAX:
            if before is not None and self._ticks[0].as_of >= before:
                break
            ticks.append(self._ticks.popleft())
        return ticks

    def forget(self) -> None:
        """Drop the books; the next drain builds them from the database."""
        self._desk = None

    def _decide(
        self,
        ticks: Sequence[Tick],
        now: datetime,
        look_for_requests: bool,
        before: datetime | None,
    ) -> list[Decision]:
        now = now if before is None else min(now, before - _INSTANT)
        if self._desk is None or self._edition != self._hours.edition:
            self._edition = self._hours.edition
            shard, _ = Shard.objects.get_or_create(id=self._shard_id)
            self._version = shard.version
            self._desk = Desk(self._shard_id, self._hours, self._guard_s_min)
            self._desk.restore(now)
            look_for_requests = True
        open_mics = self._hours.open_mics(now), self._hours.extended_mics(now)
        if open_mics != self._open_mics:  # orders for the opening come before its first quote
            self._open_mics, look_for_requests = open_mics, True
        commands: list[Command] = [Command.of_tick(tick) for tick in ticks]
        if look_for_requests:
            self._desk.halt(read_halted(self._shard_id))
        commands += self._desk.expiries(now) + self._desk.turns(now)
        if look_for_requests:
            desk = self._desk
            commands += read_requests(self._shard_id, self._hours, now, BATCH_MAX, desk.since)
        if before is not None:
            commands = [command for command in commands if command.at < before]
        commands.sort(key=lambda command: (command.at, command.rank))
        next_priority = (self._version + 1) * 1_000_000
        return self._desk.work(commands, now, next_priority)

    def _book(self, decisions: Sequence[Decision]) -> None:
        with transaction.atomic():
            fence(self._shard_id, self._version)
            heads = book(decisions)
        self._version += 1
        self.batches += 1
        publish(heads)


def fence(shard_id: int, version: int) -> None:
    """Claim the shard's next version for the transaction. Raises Fenced when it has moved on."""
    moved = Shard.objects.filter(id=shard_id, version=version).update(version=version + 1)
    if not moved:
        raise Fenced(f"shard {shard_id} is past version {version}")
