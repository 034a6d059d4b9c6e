"""Twelve Data as this installation uses it: settings, credits and the instruments with a feed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache

from instruments.hours import market_hours
from instruments.models import Quote
from instruments.quotes import Tick
from instruments.selectors import feed_instruments, stored_ticks
from instruments.twelvedata import wiring
from instruments.twelvedata.errors import BadKey, Exhausted, TwelveDataError, is_charged
from instruments.twelvedata.governor import UNLIMITED, Governor, Ledger, Limits, Priority
from instruments.twelvedata.ledgers import MemoryLedger, RedisLedger, ledger_name
from instruments.twelvedata.poller import Marks, MemoryMarks, Poller
from instruments.twelvedata.rest import Counted, Rest
from instruments.twelvedata.schedule import Wish, day_elapsed
from instruments.twelvedata.symbols import Target, token_of
from instruments.twelvedata.tape import Tape

T = TypeVar("T")

MARKS = "twelvedata:polled"
MARKS_KEPT_S = 86_400


class NoCredits(RuntimeError):
    """There are none for this now; it is tried again later."""


class CacheMarks:
    """When tokens were last asked about, for all processes that share a cache.

    Two who note at the same moment may lose one of the notes: a symbol is then asked about twice.
    """

    def read(self) -> dict[str, datetime]:
        found: dict[str, datetime] = cache.get(MARKS, {})
        return found

    def note(self, tokens: Sequence[str], at: datetime) -> None:
        cache.set(MARKS, {**self.read(), **dict.fromkeys(tokens, at)}, MARKS_KEPT_S)


class Desk:
    """What is asked through here is paid for, and what goes wrong is learned from.

    now tells the time; pause waits so many seconds, and is where a stop cuts in.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        pause: Callable[[float], Any],
        ledger: Ledger | None = None,
    ) -> None:
        self._now, self._pause = now, pause
        self.governor = Governor(ledger or shared_ledger(), limits())
        self._rests: list[Rest] = []

    def rest(self, priority: Priority = Priority.CHORE) -> Rest:
        """Return a conversation of its own, for one thread, whose lost answers cost a priority."""
        made = Rest(
            settings.TWELVE_DATA_BASE_URL,
            settings.TWELVE_DATA_API_KEY,
            hear=self._hear,
            pause=self._pause,
            pay=lambda cost: self.governor.take(cost, priority, self._now(), least=cost) == cost,
        )
        self._rests.append(made)
        return made

    def poller(
        self,
        take_in: Callable[[list[Tick]], None],
        *,
        marks: Marks | None = None,
        tape: Tape | None = None,
        streamed: Callable[[], frozenset[str]] = frozenset,
    ) -> Poller:
        """Return a poller of every instrument with a feed, going on from the stored quotes."""
        return Poller(
            self.rest(Priority.ORDER),
            self.governor,
            targets=feed_targets,
            wants=lambda now: wiring.in_use().wants(now),
            take_in=take_in,
            tape=tape or stored_tape(),
            marks=marks or MemoryMarks(),
            streamed=streamed,
        )

    def pay(self, cost: int, question: Callable[[], T]) -> T:
        """Return the answer to a chore's question. Raises NoCredits, or what went wrong."""
        return self.pay_for_all([question], cost)[0]

    def pay_for_all(self, questions: Sequence[Callable[[], T]], cost_of_each: int = 1) -> list[T]:
        """Return the answers to questions that are of use together, asked in turn.

        Raises NoCredits where there are too few for all, or what went wrong: then what was not
        asked any more costs nothing.
        """
        now, cost = self._now(), cost_of_each * len(questions)
        wishes = [Wish(t.token, t.mic, Priority.REST) for t in feed_targets().values()]
        elapsed = day_elapsed(wishes, now, market_hours())
        if not self.governor.take(cost, Priority.CHORE, now, elapsed=elapsed, least=cost):
            raise NoCredits(f"no {cost} credits for a chore")
        asked, answers = 0, list[T]()
        try:
            for question in questions:
                asked += 1
                answers.append(question())
        except TwelveDataError as error:
            self.learn(error, cost_of_each, now)
            raise
        finally:
            if not_asked := len(questions) - asked:
                self.governor.give_back(cost_of_each * not_asked, Priority.CHORE, now)
        return answers

    def learn(self, error: TwelveDataError, cost: int, asked_at: datetime) -> None:
        """Correct the credits by an error that a chore has met."""
        if not is_charged(error):
            self.governor.give_back(cost, Priority.CHORE, asked_at)
        if isinstance(error, Exhausted):
            self.governor.exhausted(error, asked_at)
        elif isinstance(error, BadKey):
            self.governor.refuse_key(asked_at)

    def close(self) -> None:
        """Close every conversation."""
        for rest in self._rests:
            rest.close()

    def _hear(self, counted: Counted) -> None:
        self.governor.hear(counted.used, counted.left, self._now())


def feed_targets() -> Mapping[str, Target]:
    """Return the instruments with a feed that have a name there, by it."""
    found = {}
    for row in feed_instruments():
        token = token_of(row.symbol, row.mic, row.type)
        if token is not None:
            instrument_id, currency = str(row.id), row.currency
            found[token] = Target(token, row.symbol, instrument_id, row.shard, row.mic, currency)
    return found


def stored_tape() -> Tape:
    """Return a tape that goes on from the stored quotes."""
    return Tape(stored_ticks(Quote.objects.all()), mode=market_hours())


def shared_ledger() -> Ledger:
    """Return the credits of all processes of this installation."""
    name = ledger_name(settings.TWELVE_DATA_API_KEY)
    if settings.TWELVE_DATA_REDIS_URL:
        return RedisLedger(settings.TWELVE_DATA_REDIS_URL, name)
    return MemoryLedger(settings.VAR_DIR / f"twelvedata-{name}.json")


def limits() -> Limits:
    """Return the plan's credits, as the settings say; 0 a day is without limit."""
    a_day = settings.TWELVE_DATA_CREDITS_DAY or UNLIMITED
    return Limits(settings.TWELVE_DATA_CREDITS_MINUTE, a_day)
