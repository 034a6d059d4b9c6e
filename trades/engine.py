"""The engine: the one writer of a shard. Takes work in, asks the matcher, books the answer.

Work comes from the database (accepted orders, cancel requests), from the bus (ticks) and from the
clock (sessions that close). Its books live in memory and are rebuilt from open orders whenever the
shard's version says that somebody else has written, a batch has failed or the calendar has changed.
What fails time and again is set aside, and the shard goes on (trades/setting_aside).
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from bengi.crash_points import crash_point
from bengi.realtime.publish import publish
from bengi.terms import MessageKind
from instruments.corporate_actions import due_splits
from instruments.models import CorporateAction
from instruments.quotes import Tick
from trades.booking import book
from trades.corporate.splitting import apply_split
from trades.decisions import Decision
from trades.models import Shard
from trades.requests import Command, read_halted, read_requests
from trades.session import SessionHours
from trades.setting_aside.actions import counted
from trades.setting_aside.culprits import PASSING, Fenced
from trades.setting_aside.finding import set_aside
from trades.setting_aside.services import Failure, read_set_aside, workable
from trades.setting_aside.starts import Watchman
from trades.setting_aside.trouble import Trouble
from trades.work import Desk

BATCH_MAX = 500
_HOUR_S = 3600
_INSTANT = timedelta(microseconds=1)


class Engine:
    """Drains one shard. drain() is called by one thread; on_ticks() may be called by any.

    guard_s_min: no profile's guard against old quotes is shorter; see settings.GUARD_S_MIN.
    watchman: counts its starts; who runs it in a process of its own lets it begin and end.
    """

    def __init__(self, shard_id: int, *, hours: SessionHours, guard_s_min: int = 0) -> None:
        self._shard_id = shard_id
        self._guard_s_min = guard_s_min
        self._hours = hours
        self._ticks: deque[Tick] = deque()
        self._desk: Desk | None = None
        self._version = 0
        self._open_mics: tuple[list[str], list[str]] | None = None
        self._edition = 0
        self._hour = 0
        self._trouble = Trouble()
        self._set_aside = set[tuple[str, str]]()
        self._has_rest = False
        self.watchman = Watchman(shard_id)
        self.batches = 0

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """Take the shard's ticks in; they are worked on at the next drain."""
        self._ticks.extend(tick for tick in ticks if tick.shard == self._shard_id)

    @property
    def has_more(self) -> bool:
        """Whether another drain has something to do at once."""
        return bool(self._ticks) or self._has_rest or self._trouble.window is not None

    def drain(self, now: datetime, *, look_for_requests: bool = True) -> int:
        """Work one batch and return how many decisions were booked.

        Orders, cancels, ticks and expiries are decided in the order in which they happened, and a
        split that is due after what came before it. A failed batch is rolled back, its ticks are
        kept and the books are built anew; what keeps failing is set aside.
        """
        look_for_requests = look_for_requests or self._has_rest or self._trouble.failures > 0
        return self._split(now, look_for_requests) + self._batch(now, look_for_requests)

    def _split(self, now: datetime, look_for_requests: bool) -> int:
        """Apply the splits that are due, each when everything before it has been worked.

        Days begin with the hour, so between two hours only a look for requests looks.
        """
        hour = int(now.timestamp()) // _HOUR_S
        if hour == self._hour and not look_for_requests:
            return 0
        booked = 0
        for action in workable(due_splits(now, self._shard_id)):
            booked += self._batches_before(action, now)
            self.watchman.note_action(action.id)
            with counted(action, now):
                apply_split(action.id, now=now)
            self.forget()
        self._hour = hour
        return booked

    def _batches_before(self, action: CorporateAction, now: datetime) -> int:
        """Work what happened before an action counts."""
        assert action.effective_at is not None
        booked, is_old_news_left = 0, True
        while is_old_news_left:
            booked += self._batch(now, before=action.effective_at)
            is_old_news_left = bool(self._ticks) and self._ticks[0].as_of < action.effective_at
            is_old_news_left |= self._has_rest
        return booked

    def _batch(
        self, now: datetime, look_for_requests: bool = True, before: datetime | None = None
    ) -> int:
        """Work one batch; before: of what happened earlier than that, as if it were now."""
        moment = now if before is None else min(now, before - _INSTANT)
        ticks = self._take_ticks(before)
        commands: list[Command] = []
        decisions: list[Decision] = []
        try:
            desk = self._ready(moment, look_for_requests)
            commands = self._gather(desk, ticks, moment, look_for_requests, before)
            window = 1 if self.watchman.is_wary else self._trouble.window
            commands, rest = commands[:window], commands[window:] if window else []
            self.watchman.note(commands)
            decisions = desk.work(commands, moment, (self._version + 1) * 1_000_000)
            if decisions:
                self._book(decisions)
        except Exception as error:
            self._desk = None
            self._ticks.extendleft(reversed(ticks))
            if not isinstance(error, PASSING):
                self._fail(commands, decisions, error, now)
            raise
        self._leave(desk, rest)
        self._trouble.passed(is_all=not rest)
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

    def beat(self, at: datetime) -> None:
        """Note in the shard's row that its engine works, at the machine's time.

        Books that somebody's write has overtaken are dropped here at the latest: an engine with
        nothing to book would not notice (see trades/resharding.py).
        """
        row = Shard.objects.filter(id=self._shard_id)
        books = row if self._desk is None else row.filter(version=self._version)
        if not books.update(heard_at=at):
            self.forget()
            row.update(heard_at=at)

    def _ready(self, now: datetime, look_for_requests: bool) -> Desk:
        """Return the books, built anew where they were dropped or the calendar has changed.

        So they are where staff have released something; nobody asks while nothing is set aside.
        """
        if look_for_requests and self._set_aside:
            is_same = read_set_aside(self._shard_id) == self._set_aside
            self._desk = self._desk if is_same else None
        if self._desk is None or self._edition != self._hours.edition:
            self._edition = self._hours.edition
            shard, _ = Shard.objects.get_or_create(id=self._shard_id)
            self._version = shard.version
            self._set_aside = read_set_aside(self._shard_id)
            desk = Desk(self._shard_id, self._hours, self._guard_s_min)
            desk.restore(now, [each for kind, each in self._set_aside if kind == MessageKind.ORDER])
            self._desk, self._open_mics = desk, None
        return self._desk

    def _gather(
        self,
        desk: Desk,
        ticks: Sequence[Tick],
        now: datetime,
        look_for_requests: bool,
        before: datetime | None,
    ) -> list[Command]:
        """Return what there is to work, in the order in which it happened.

        Books that are new look for requests, and so does a change of the markets that are open:
        orders for the opening come before its first quote.
        """
        open_mics = self._hours.open_mics(now), self._hours.extended_mics(now)
        if open_mics != self._open_mics:
            self._open_mics, look_for_requests = open_mics, True
        commands: list[Command] = [Command.of_tick(tick) for tick in ticks]
        if look_for_requests:
            desk.halt(read_halted(self._shard_id))
        commands += desk.expiries(now) + desk.turns(now)
        if look_for_requests:
            commands += read_requests(self._shard_id, self._hours, now, BATCH_MAX, desk.since)
        if before is not None:
            commands = [command for command in commands if command.at < before]
        if self._set_aside:
            commands = [command for command in commands if command.key not in self._set_aside]
        commands.sort(key=lambda command: (command.at, command.rank))
        return commands

    def _book(self, decisions: Sequence[Decision]) -> None:
        crash_point("engine.decided")
        with transaction.atomic():
            fence(self._shard_id, self._version)
            crash_point("book.fenced")
            heads = book(decisions)
            crash_point("book.saved")
        crash_point("book.committed")
        self._version += 1
        self.batches += 1
        publish(heads)
        crash_point("book.told")

    def _fail(
        self,
        commands: Sequence[Command],
        decisions: Sequence[Decision],
        error: Exception,
        now: datetime,
    ) -> None:
        """Let the next batch be smaller; what has stood alone often enough is set aside."""
        trouble = self._trouble
        trouble.failed(len(commands), now)
        if not trouble.is_found(len(commands)):
            return
        failure = Failure.of(error, trouble.failures, trouble.since or now)
        if set_aside(commands, decisions, error, failure, now=now):
            self._drop(commands[0])
        trouble.found()

    def _drop(self, command: Command) -> None:
        """Drop a tick that has been put back among the others."""
        kept = [tick for tick in self._ticks if tick is not command.tick]
        self._ticks.clear()
        self._ticks.extend(kept)

    def _leave(self, desk: Desk, commands: Sequence[Command]) -> None:
        """Keep what was not worked yet: ticks and expiries; requests are found again."""
        self._has_rest = bool(commands)
        self._ticks.extendleft(each.tick for each in reversed(commands) if each.tick is not None)
        desk.put_back(commands)


def fence(shard_id: int, version: int) -> None:
    """Claim the shard's next version for the transaction. Raises Fenced when it has moved on."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [version + 1, shard_id, version])
        moved = cursor.rowcount
    if not moved:
        raise Fenced(f"shard {shard_id} is past version {version}")


_CLAIM = f"UPDATE {Shard._meta.db_table} SET version = %s WHERE id = %s AND version = %s"  # noqa: S608
