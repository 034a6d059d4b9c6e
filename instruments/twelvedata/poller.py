"""Asks for quotes, as far as there are credits, in the order in which they are needed.

Where an answer fails nothing changes: the last good price stays, and grows old. A server in trouble
is left alone for a while, a symbol that is refused for longer.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from instruments.quotes import Tick
from instruments.twelvedata.errors import (
    BadKey,
    Exhausted,
    Refused,
    TwelveDataError,
    Unreadable,
    is_charged,
)
from instruments.twelvedata.governor import Governor, Priority
from instruments.twelvedata.parsing import Quoted
from instruments.twelvedata.rest import BATCH_MAX, Answers
from instruments.twelvedata.schedule import Plan, Wish, best_wishes, due, make_plan
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tape import OtherListing, Tape

log = logging.getLogger(__name__)

LOOK = timedelta(seconds=5)
"""How old what is wished for may be, unless somebody says that it has changed."""
PLAN = timedelta(seconds=60)
TROUBLE_S = (5, 10, 20, 40, 60)
"""Pauses after one, two, .. failures in a row; the last one for all after that."""
REST_REFUSED = timedelta(hours=6)
REST_UNREADABLE = timedelta(seconds=60)
AT_ONCE = Priority.PAGE
"""Whose credits pay for ask_now()."""
SEEN_AGAIN = timedelta(minutes=15)
"""How often the quote of a symbol that is streamed is asked for: it has the day's figures."""


class Want(msgspec.Struct, frozen=True):
    """Somebody wants an instrument's price. since: an older one is of no use to them."""

    instrument_id: str
    priority: Priority
    since: datetime | None = None


class Marks(Protocol):
    """Remembers when each token was last asked about, for everybody who polls."""

    def read(self) -> dict[str, datetime]:
        """Return when each was."""

    def note(self, tokens: Sequence[str], at: datetime) -> None:
        """Remember that these were asked about."""


class MemoryMarks:
    """For one process."""

    def __init__(self) -> None:
        self._polled: dict[str, datetime] = {}

    def read(self) -> dict[str, datetime]:
        return self._polled

    def note(self, tokens: Sequence[str], at: datetime) -> None:
        self._polled.update(dict.fromkeys(tokens, at))


class QuoteSource(Protocol):
    """Whoever answers for quotes: Rest."""

    def quotes(self, tokens: Sequence[str]) -> Answers[Quoted]:
        """Return each token's answer, or raise what is wrong with all of them."""


class Polled(msgspec.Struct):
    """For staff: how it has gone."""

    answers: int = 0
    failures: int = 0
    unreadable: int = 0
    last_answer_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    refused: dict[str, str] = {}
    """token -> why it is not asked about for now"""


class Poller:
    """One thread calls turn() again and again; the rest may come from any.

    targets: what can be asked for, by token. wants: who needs what; whatever is a target and not
    wanted is of the rest. streamed: tokens whose prices come by themselves.
    """

    def __init__(
        self,
        source: QuoteSource,
        governor: Governor,
        *,
        targets: Callable[[], Mapping[str, Target]],
        wants: Callable[[datetime], Sequence[Want]],
        take_in: Callable[[list[Tick]], None],
        tape: Tape,
        marks: Marks,
        streamed: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._source, self._governor, self._tape, self._marks = source, governor, tape, marks
        self._read_targets, self._read_wants, self._take_in = targets, wants, take_in
        self._streamed, self._mode = streamed, tape.mode
        self._targets: Mapping[str, Target] = {}
        self._wishes: list[Wish] = []
        self._ranked: list[str] = []
        self._looked_at: datetime | None = None
        self._planned_at: datetime | None = None
        self._plan: Plan | None = None
        self._resting: dict[str, datetime] = {}
        self._suspects: set[str] = set()
        self._quiet_until: datetime | None = None
        self._troubles = 0
        self._asking = threading.Lock()
        self.polled = Polled()

    @property
    def plan(self) -> Plan | None:
        """What is promised now."""
        return self._plan

    @property
    def targets(self) -> Mapping[str, Target]:
        """What can be asked for, as of the last look."""
        return self._targets

    def ranked(self) -> list[Target]:
        """Return the targets that are not refused, those that are needed most first."""
        return [self._targets[token] for token in self._ranked if token in self._targets]

    def look_again(self) -> None:
        """Let the next turn look at who wants what: it has changed."""
        self._looked_at = None

    def turn(self, now: datetime) -> int:
        """Ask for what is due, at most one question, and return about how many symbols it was.

        While the server is in trouble the question is about one symbol.
        """
        if self._quiet_until is not None and now < self._quiet_until:
            return 0
        with self._asking:
            plan = self._look(now)
            waiting = due(self._wishes, self._marks.read(), plan, now, self._mode)
            batch = self._afford(self._together(waiting), plan, now)
            if batch:
                self._ask(batch, now)
            return len(batch)

    def recall(self, ticks: Iterable[Tick]) -> None:
        """Count what was traded from these on, where they are newer: others poll too."""
        self._tape.recall(ticks)

    def ask_now(self, tokens: Sequence[str], now: datetime) -> Answers[Tick]:
        """Ask for tokens, AT_ONCE has paid; return their ticks, taken in already.

        Raises what makes the whole question fail, and learns from it as turn() does.
        """
        with self._asking:
            try:
                answers = self._source.quotes(tokens)
            except TwelveDataError as error:
                self._fail(error, dict.fromkeys(tokens, AT_ONCE), now)
                raise
            self._marks.note(tokens, now)
            return self._hear(answers, now)

    def _look(self, now: datetime) -> Plan:
        if self._looked_at is None or now - self._looked_at >= LOOK:
            self._targets = self._read_targets()
            wishes = self._wished(now)
            self._looked_at = now
            if _who(wishes) != _who(self._wishes):
                self._planned_at = None
            self._wishes = wishes
        if self._plan is None or self._planned_at is None or now - self._planned_at >= PLAN:
            self._planned_at = now
            standing = self._governor.standing(now)
            self._plan = make_plan(
                self._wishes,
                now=now,
                mode=self._mode,
                day_left=standing.day_left,
                day_limit=standing.day_limit,
                minute_limit=standing.minute_limit,
            )
        return self._plan

    def _wished(self, now: datetime) -> list[Wish]:
        """Return a wish for every target but those that rest."""
        self._resting = {token: until for token, until in self._resting.items() if now < until}
        self.polled.refused = {
            token: why for token, why in self.polled.refused.items() if token in self._resting
        }
        streamed, polled = self._streamed(), self._marks.read()
        wishes = wishes_of(self._targets.values(), self._read_wants(now))
        self._ranked = self._by_need(wishes)
        lately = {t for t in streamed if t in polled and now - polled[t] < SEEN_AGAIN}
        resting = self._resting.keys() | lately
        return [wish for wish in wishes if wish.token not in resting]

    def _by_need(self, wishes: Sequence[Wish]) -> list[str]:
        first = {wish.token: wish.priority for wish in best_wishes(wishes)}
        able = (token for token in first if token not in self._resting)
        return sorted(able, key=lambda token: (first[token], token))

    def _together(self, waiting: Sequence[Wish]) -> Sequence[Wish]:
        """Return what may be in one question: one symbol in times of trouble, a suspect alone."""
        if self._troubles or (waiting and waiting[0].token in self._suspects):
            return waiting[:1]
        return [wish for wish in waiting if wish.token not in self._suspects][:BATCH_MAX]

    def _afford(self, waiting: Sequence[Wish], plan: Plan, now: datetime) -> list[Wish]:
        """Return those of waiting that credits were taken for, the most urgent first."""
        batch: list[Wish] = []
        for priority in Priority:
            wanted = [wish for wish in waiting if wish.priority is priority]
            if not wanted:
                continue
            got = self._governor.take(len(wanted), priority, now, elapsed=plan.elapsed)
            batch += wanted[:got]
            if got < len(wanted):
                break
        return batch

    def _ask(self, batch: Sequence[Wish], now: datetime) -> None:
        tokens = [wish.token for wish in batch]
        try:
            answers = self._source.quotes(tokens)
        except TwelveDataError as error:
            self._fail(error, {wish.token: wish.priority for wish in batch}, now)
            return
        self._troubles, self._quiet_until = 0, None
        self._suspects -= set(tokens)
        self._marks.note(tokens, now)
        self._hear(answers, now)

    def _hear(self, answers: Answers[Quoted], now: datetime) -> Answers[Tick]:
        """Make ticks of answers and hand them on; a symbol that fails rests."""
        found: Answers[Tick] = {}
        for token, answer in answers.items():
            target = self._targets.get(token)
            if target is None:
                continue
            try:
                if isinstance(answer, TwelveDataError):
                    raise answer
                found[token] = self._tape.quoted(target, answer, now)
            except TwelveDataError as error:
                found[token] = error
                self._rest(token, error, now)
        ticks = [tick for tick in found.values() if isinstance(tick, Tick)]
        self.polled.answers += 1
        self.polled.last_answer_at = now
        if ticks:
            self._take_in(ticks)
        return found

    def _rest(self, token: str, error: TwelveDataError, now: datetime) -> None:
        is_for_long = isinstance(error, Refused | OtherListing)
        self._resting[token] = now + (REST_REFUSED if is_for_long else REST_UNREADABLE)
        self._looked_at = None
        if isinstance(error, Unreadable):
            self.polled.unreadable += 1
        self.polled.refused = {**self.polled.refused, token: str(error)}
        log.warning("no quote of %s from Twelve Data: %s", token, error)

    def _fail(self, error: TwelveDataError, paid: Mapping[str, Priority], now: datetime) -> None:
        """Learn from a question that failed as a whole. paid: who paid for which token."""
        tokens = list(paid)
        if not is_charged(error):
            for priority, count in Counter(paid.values()).items():
                self._governor.give_back(count, priority, now)
        self.polled.failures += 1
        self.polled.last_error, self.polled.last_error_at = str(error), now
        if isinstance(error, Exhausted):
            self._governor.exhausted(error, now)
            log.warning("Twelve Data: %s", error)
        elif isinstance(error, BadKey):
            self._governor.refuse_key(now)
            log.error("Twelve Data refuses the key: see TWELVE_DATA_API_KEY")
        elif isinstance(error, Refused) and len(tokens) > 1:
            self._suspects |= set(tokens)
            log.warning("Twelve Data: %s; its symbols are asked for one by one", error)
        elif isinstance(error, Refused):
            self._suspects -= set(tokens)
            self._rest(tokens[0], error, now)
        else:
            pause_s = TROUBLE_S[min(self._troubles, len(TROUBLE_S) - 1)]
            self._troubles += 1
            self._quiet_until = now + timedelta(seconds=pause_s)
            log.warning("Twelve Data: %s; asked again in %d s", error, pause_s)


def _who(wishes: Sequence[Wish]) -> set[tuple[str, Priority]]:
    return {(wish.token, wish.priority) for wish in wishes}


def wishes_of(targets: Iterable[Target], wants: Iterable[Want]) -> list[Wish]:
    """Return a wish for every target, that of nobody in particular, and one for each want of it."""
    by_id = {target.instrument_id: target for target in targets}
    wishes = [Wish(target.token, target.mic, Priority.REST) for target in by_id.values()]
    for want in wants:
        target = by_id.get(want.instrument_id)
        if target is not None:
            wishes.append(Wish(target.token, target.mic, want.priority, want.since))
    return wishes
