"""What Twelve Data says of an instrument as ticks. Pure.

There is no bid and no ask for shares: both stay empty, and whoever trades meets a spread around the
last price, as wide as their realism profile has it (instruments/spread.py). A quote tells only the
minute of its last trade. That minute's end is what the price is as of, or when it was asked for if
that was earlier: never the time of the answer, so a slow answer, a delayed plan and a share that
nobody trades show their age.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from bengi.money import QUANTUM
from instruments.calendar import Mode, session_date
from instruments.quotes import Tick, check_tick
from instruments.twelvedata.errors import Unreadable
from instruments.twelvedata.parsing import Quoted
from instruments.twelvedata.symbols import Target, is_same_market, unit_of

NAME = "twelvedata"
ZERO = Decimal(0)
ONE = Decimal(1)
AHEAD_MAX = timedelta(seconds=60)
"""Their clock may be so far ahead of ours."""
_MINUTE = timedelta(seconds=59, milliseconds=999)
_SECOND = timedelta(milliseconds=999)


class OtherListing(Unreadable):
    """The answer is about another listing of that name."""


class Priced(msgspec.Struct, frozen=True):
    """A price event of the stream. bid and ask are told of currencies and coins only."""

    symbol: str
    mic: str
    currency: str
    price: Decimal
    as_of: datetime
    day_volume: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


class Tape:
    """Turns answers into ticks; newest are the ticks known before. Safe for several threads."""

    def __init__(self, newest: Iterable[Tick] = (), *, mode: Mode = "exchange") -> None:
        self._newest = {tick.instrument_id: tick for tick in newest}
        self.mode: Mode = mode
        self._lock = threading.Lock()

    def recall(self, ticks: Iterable[Tick]) -> None:
        """Go on from stored ticks where they are newer than what is known here."""
        with self._lock:
            for tick in ticks:
                known = self._newest.get(tick.instrument_id)
                if known is None or known.as_of < tick.as_of:
                    self._newest[tick.instrument_id] = tick

    def quoted(self, target: Target, quoted: Quoted, asked_at: datetime) -> Tick:
        """Return the tick of a quote that was asked for at a moment. Raises Unreadable."""
        unit = price_unit(target, quoted.mic, quoted.currency)
        as_of = _as_of(quoted.last_quote_at, asked_at)
        with self._lock:
            before = self._newest.get(target.instrument_id)
            day = quoted.session_date or session_date(target.mic, as_of, self.mode)
            traded = _traded(before, day, quoted.volume, self.mode, target.mic)
            last = _scaled(quoted.close, unit)
            is_news = before is None or last != before.last or traded > 0
            tick = Tick(
                symbol=target.symbol,
                instrument_id=target.instrument_id,
                shard=target.shard,
                bid=None,
                ask=None,
                bid_size=ZERO,
                ask_size=ZERO,
                last=last,
                last_size=traded,
                volume=quoted.volume,
                day_open=_scaled(quoted.open, unit),
                day_high=_scaled(quoted.high, unit),
                day_low=_scaled(quoted.low, unit),
                previous_close=_scaled(quoted.previous_close, unit),
                as_of=as_of,
                source=NAME,
                is_new_quote=is_news,
                is_new_print=is_news,
                session_date=day,
            )
            return self._remember(tick, before)

    def priced(self, target: Target, priced: Priced, heard_at: datetime) -> Tick:
        """Return the tick of an event of the stream. Raises Unreadable.

        It tells the second of a trade, which is taken to be its end, as minutes are. The day's
        figures are those of the last quote, widened by what was printed since.
        """
        unit = price_unit(target, priced.mic, priced.currency)
        if priced.as_of > heard_at + AHEAD_MAX:
            raise Unreadable("it is from the future")
        as_of = min(priced.as_of + _SECOND, heard_at)
        with self._lock:
            before = self._newest.get(target.instrument_id)
            day = session_date(target.mic, as_of, self.mode)
            today = before if before is not None and before.session_date == day else None
            volume = priced.day_volume
            if volume is None:
                volume = today.volume if today else ZERO
            last = _scaled(priced.price, unit)
            tick = Tick(
                symbol=target.symbol,
                instrument_id=target.instrument_id,
                shard=target.shard,
                bid=_scaled(priced.bid, unit),
                ask=_scaled(priced.ask, unit),
                bid_size=ZERO,
                ask_size=ZERO,
                last=last,
                last_size=_traded(before, day, volume, self.mode, target.mic),
                volume=volume,
                day_open=today.day_open if today else None,
                day_high=_widest(max, today.day_high if today else None, last),
                day_low=_widest(min, today.day_low if today else None, last),
                previous_close=_previous_close(before, today),
                as_of=as_of,
                source=NAME,
                session_date=day,
            )
            return self._remember(tick, before)

    def _remember(self, tick: Tick, before: Tick | None) -> Tick:
        """Keep a tick that is sane and no older than the one before."""
        if (before is None or tick.as_of >= before.as_of) and not check_tick(tick):
            self._newest[tick.instrument_id] = tick
        return tick


def price_unit(target: Target, mic: str, currency: str) -> Decimal:
    """Return what prices told of a market and a currency are multiplied by. Raises OtherListing."""
    if not is_same_market(mic, target.mic):
        raise OtherListing(f"{target.token} is one at {mic}, not at {target.mic}")
    _, slash, quote = target.token.partition("/")
    unit = unit_of(quote if slash else currency, target.currency)  # a pair tells it by its name
    if unit is None:
        raise OtherListing(f"{target.token} is in {currency}, not in {target.currency}")
    return unit


def _as_of(last_quote_at: datetime | None, asked_at: datetime) -> datetime:
    if last_quote_at is None:
        raise Unreadable("it tells no time")
    if last_quote_at > asked_at + AHEAD_MAX:
        raise Unreadable("it is from the future")
    return min(asked_at, last_quote_at + _MINUTE)


def _traded(before: Tick | None, day: object, volume: Decimal, mode: Mode, mic: str) -> Decimal:
    """Return the shares traded since the tick before; 0 where there was none to count from."""
    if before is None:
        return ZERO
    before_day = before.session_date or session_date(mic, before.as_of, mode)
    if before_day != day:
        return max(ZERO, volume)
    return max(ZERO, volume - before.volume)


def _previous_close(before: Tick | None, today: Tick | None) -> Decimal | None:
    """Return yesterday's close: as it was told today, or the last price of the day before."""
    if today is not None:
        return today.previous_close
    return None if before is None else before.last


def _widest(
    pick: Callable[[Decimal, Decimal], Decimal], known: Decimal | None, last: Decimal | None
) -> Decimal | None:
    return known if known is None or last is None else pick(known, last)


def _scaled(price: Decimal | None, unit: Decimal) -> Decimal | None:
    if price is None or unit == ONE:
        return price
    return (price * unit).quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
