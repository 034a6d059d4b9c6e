"""What is asked besides quotes, each once in its while: past bars, listings, rates, market states.

A chore may be begun twice, by two clocks or by a late one: whoever comes second finds it done, or
being done. One that fails is tried again after some minutes. All of them wait for credits.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import msgspec
from django.core.cache import cache

from instruments.backfill import Span, backfill_bars
from instruments.bars import DAILY, INTERVAL_S, MINUTE, BarValue
from instruments.calendar import ALWAYS_OPEN, Session, session_before
from instruments.hours import market_hours
from instruments.models import Instrument
from instruments.twelvedata import wiring
from instruments.twelvedata.desk import Desk, NoCredits, feed_targets
from instruments.twelvedata.errors import BadRequest, NoData, PlanTooLow, TwelveDataError
from instruments.twelvedata.poller import wishes_of
from instruments.twelvedata.rest import BATCH_MAX, Rest
from instruments.twelvedata.schedule import best_wishes
from instruments.twelvedata.symbols import Target, is_same_market, unit_of
from instruments.twelvedata.tape import OtherListing, price_unit

log = logging.getLogger(__name__)

LEASE_S = 300
"""Who has begun a chore has so long; after that somebody else may."""
KEPT_S = 8 * 86_400
DAYS_BACK = 400
"""Daily bars of an instrument that has none."""
SETTLED = timedelta(minutes=20)
"""So long after the close the day's bars are taken."""
REPORT = "twelvedata:listings"
STATES = "twelvedata:states"


class Chore(msgspec.Struct, frozen=True):
    """do(desk, rest, now) says in words what was done; slot names the while it is done once in."""

    name: str
    slot: Callable[[datetime], str]
    do: Callable[[Desk, Rest, datetime], str]


def run_chore(chore: Chore, desk: Desk, rest: Rest, now: datetime) -> bool:
    """Do a chore unless it is done, or somebody does it; return whether it was done here."""
    done, lease = f"twelvedata:done:{chore.name}", f"twelvedata:doing:{chore.name}"
    slot = chore.slot(now)
    if cache.get(done) == slot or not cache.add(lease, slot, LEASE_S):
        return False
    try:
        said = chore.do(desk, rest, now)
    except NoCredits:
        cache.delete(lease)
        return False
    except TwelveDataError as error:
        log.warning("%s: %s", chore.name, error)
        return False
    cache.set(done, slot, KEPT_S)
    cache.delete(lease)
    log.info("%s: %s", chore.name, said)
    return True


def learn_usage(desk: Desk, rest: Rest, now: datetime) -> str:
    """Learn what others have used of the day: it costs a credit."""
    usage = desk.pay(1, rest.usage)
    desk.governor.hear(usage.minute_used, max(0, usage.minute_limit - usage.minute_used), now)
    if usage.day_used is not None:
        desk.governor.hear_day(usage.day_used, usage.day_limit, now)
    return f"{usage.minute_used} of {usage.minute_limit} this minute"


def refresh_rates(desk: Desk, rest: Rest, now: datetime) -> str:
    """Ask for the rate of every pair that is kept here: what there are credits for, then the rest.

    A rate that is stored stays; a pair that fails is left for the next time.
    """
    parts = wiring.in_use()
    asked, kept = _progress("rates", _six_hours(now)), 0
    size = min(BATCH_MAX, max(1, desk.governor.standing(now).minute_limit // 2))
    pairs = [pair for pair in parts.pairs() if pair not in asked]
    for first in range(0, len(pairs), size):
        batch = pairs[first : first + size]
        answers = desk.pay(len(batch), lambda batch=batch: rest.rates(batch))  # type: ignore[misc]
        told = [each for each in answers.values() if not isinstance(each, TwelveDataError)]
        kept += parts.keep_rates(told, now)
        asked |= dict.fromkeys(batch, "")
        _keep_progress("rates", _six_hours(now), asked)
    return f"{kept} rates are new"


def compare_states(desk: Desk, rest: Rest, now: datetime) -> str:
    """Hold their word on which exchanges are open against our calendar, for staff."""
    states = desk.pay(1, rest.market_states)
    told = {state.code: state.is_open for state in states}
    mode = market_hours()
    differing = {}
    for mic in {target.mic for target in feed_targets().values()}:
        words = {is_open for code, is_open in told.items() if is_same_market(code, mic)}
        session = session_before(mic, now, mode)
        if words and session.is_trading(now) not in words and not _is_turning(session, now):
            differing[mic] = "open" if True in words else "closed"
    cache.set(STATES, differing, KEPT_S)
    for mic, word in differing.items():
        log.warning("Twelve Data says that %s is %s, our calendar does not", mic, word)
    return f"{len(told)} exchanges, {len(differing)} differ"


def check_listings(desk: Desk, rest: Rest, now: datetime) -> str:
    """Look whether every instrument with a feed is still listed there, under its currency.

    Nothing is changed by it: what differs is kept for staff, who correct, halt or delist. It goes
    on with the next exchange when there are credits again.
    """
    told = _progress("listings", _nightly(now))
    mics = {target.mic for target in feed_targets().values()} - {ALWAYS_OPEN}
    for mic in sorted(mics - told.keys()):
        told[mic] = _differences_at(mic, desk, rest)
        _keep_progress("listings", _nightly(now), told)
    differing = [words for found in told.values() for words in found]
    cache.set(REPORT, {"at": now, "differing": differing}, KEPT_S)
    return f"{len(differing)} instruments differ"


def fetch_bars(desk: Desk, rest: Rest, now: datetime) -> str:
    """Take the daily bars, and the minutes of the last session, of one instrument that lacks them.

    The instruments that somebody needs come first. What was put together from polls is replaced by
    what was traded. A day's own bar comes with those of the next session: it may grow after hours.
    """
    for target, session in _lacking(now):
        key = _bars_key(target, session)
        if not cache.add(key, now, KEPT_S):
            continue
        try:
            return _fetch(desk, rest, target, session, now)
        except NoCredits:
            cache.delete(key)
            raise
        except (BadRequest, NoData, PlanTooLow, OtherListing) as error:
            return f"{target.token}: {error}"  # it would be so again; the others have their turn
        except TwelveDataError:
            cache.set(key, now, 3600)
            raise
    return "nobody lacks bars"


def history(
    rest: Rest,
    target: Target,
    interval: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    rows: int = DAYS_BACK,
) -> list[BarValue]:
    """Return bars from one question, oldest first, in the shares of today. 1 credit.

    Not for hours: theirs begin with the session, ours are cut along UTC.
    """
    series = rest.series(target.token, interval, start=start, end=end, rows=rows)
    unit = price_unit(target, series.mic, series.currency)
    return [
        BarValue(
            target.instrument_id,
            interval,
            row.starts_at,
            row.open * unit,
            row.high * unit,
            row.low * unit,
            row.close * unit,
            row.volume,
        )
        for row in series.bars
    ]


def _fetch(desk: Desk, rest: Rest, target: Target, session: Session, now: datetime) -> str:
    instrument = Instrument.objects.get(id=target.instrument_id)

    of_the_day = partial(history, rest, target, MINUTE, rows=1500)
    days, minutes = desk.pay_for_all(
        [
            partial(history, rest, target, DAILY),
            partial(of_the_day, start=session.opens_at, end=session.closes_at),
        ]
    )
    ours = [bar for bar in minutes if session.opens_at <= bar.starts_at < session.closes_at]
    for bars in (days, ours):
        if bars:
            span = _in_whole_hours(bars[0].starts_at, bars[-1].starts_at)
            backfill_bars(instrument, bars, span, now=now, as_printed=False)
    return f"{len(days)} days and {len(ours)} minutes of {target.token}"


def _in_whole_hours(first: datetime, last: datetime) -> Span:
    """Return the hours that hold two moments: before and after a session nothing is traded."""
    hour = timedelta(seconds=INTERVAL_S["1h"])
    return Span(
        first.replace(minute=0, second=0, microsecond=0),
        last.replace(minute=0, second=0, microsecond=0) + hour,
    )


def _lacking(now: datetime) -> Iterator[tuple[Target, Session]]:
    """Yield what may lack bars of its last closed session, the needed first."""
    targets = feed_targets()
    wishes = best_wishes(wishes_of(targets.values(), wiring.in_use().wants(now)))
    sessions: dict[str, tuple[Target, Session]] = {}
    for wish in sorted(wishes, key=lambda wish: wish.priority):
        target = targets[wish.token]
        session = session_before(target.mic, now - SETTLED, market_hours())
        if session.closes_at > now - SETTLED:
            session = session_before(
                target.mic, session.opens_at - timedelta(microseconds=1), market_hours()
            )
        sessions[_bars_key(target, session)] = target, session
    known = cache.get_many(sessions)
    yield from (found for key, found in sessions.items() if key not in known)


def _bars_key(target: Target, session: Session) -> str:
    return f"twelvedata:bars:{target.instrument_id}:{session.opens_at:%Y%m%d}"


def _differences_at(mic: str, desk: Desk, rest: Rest) -> list[str]:
    """Return in words what differs of an exchange's instruments; 2 credits."""
    rows = Instrument.objects.filter(has_feed=True, mic=mic)
    try:
        told = desk.pay_for_all([partial(rest.stocks, mic), partial(rest.etfs, mic)])
    except PlanTooLow:
        return []
    found, listed = [], list(chain(*told))
    for row in rows if listed else ():
        theirs = [e for e in listed if e.symbol == row.symbol and is_same_market(e.mic, row.mic)]
        if not theirs:
            found.append(f"{row.symbol}.{row.mic}: not listed any more")
        elif unit_of(theirs[0].currency, row.currency) is None:
            found.append(f"{row.symbol}.{row.mic}: in {theirs[0].currency}, here {row.currency}")
    return found


def _is_turning(session: Session, now: datetime) -> bool:
    """Say whether the session begins or ends within two minutes of now: clocks may differ."""
    near = timedelta(minutes=2)
    return any(abs(at - now) < near for at in (session.opens_at, session.closes_at))


def _progress(name: str, slot: str) -> dict[str, Any]:
    """Return how far a chore of several questions has come in this while."""
    known_slot, told = cache.get(f"twelvedata:progress:{name}", ("", {}))
    return dict(told) if known_slot == slot else {}


def _keep_progress(name: str, slot: str, told: dict[str, Any]) -> None:
    cache.set(f"twelvedata:progress:{name}", (slot, told), KEPT_S)


def _hour(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H}"


def _six_hours(now: datetime) -> str:
    return f"{now:%Y-%m-%d} {now.hour // 6}"


def _nightly(now: datetime) -> str:
    """Return the night: it begins at 22:30 UTC, when New York has closed and is settled."""
    return f"{(now.astimezone(UTC) - timedelta(hours=22, minutes=30)).date()}"


def _each_time(now: datetime) -> str:
    return now.isoformat()


CHORES = (
    Chore("usage", _hour, learn_usage),
    Chore("rates", _six_hours, refresh_rates),
    Chore("states", _hour, compare_states),
    Chore("listings", _nightly, check_listings),
    Chore("bars", _each_time, fetch_bars),
)
"""In the order in which they may have credits."""
