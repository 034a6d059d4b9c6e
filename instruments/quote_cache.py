"""Newest quotes for processes that have no feed: between their board and the table.

Measured (docs/adr/0027): a process's own board answers in a third of the time of any cache, so the
embedded mode has none; another process gets 60 quotes out of Redis six times as fast as out of the
table. A quote is put here when it has been stored, newest as_of first, and stays as long as its
market's state allows: if a word gets lost, that is how long it is missed. The cache may be gone or
empty at any time; nothing fails then.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from django.conf import settings
from django.core.cache import caches

from bengi.line import Line
from instruments.calendar import is_open, next_start
from instruments.models import Instrument
from instruments.quotes import Tick

log = logging.getLogger(__name__)

OPEN_S = 15
"""How long a quote may be told while its market is open, or until the next one is stored."""

CLOSED_S = 600
"""The same while its market is closed, at most to the next start of trading."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tick).decode
_line = Line(log, "quotes are read from the table")


def cached_quotes(instruments: Iterable[Instrument]) -> dict[str, Tick]:
    """Return what is known of the instruments, by their ids: neither quote nor print is new."""
    keys = [_key(str(instrument.id)) for instrument in instruments]
    found: dict[str, bytes] = {}
    if keys:
        found = _line.ask(lambda: caches["quotes"].get_many(keys), found)
    return {tick.instrument_id: tick for tick in _ticks(found.values())}


def keep_flushed(ticks: Sequence[Tick]) -> None:
    """Put quotes here that have just been stored; what is newer here stays."""
    _keep(ticks, OPEN_S)


def keep_read(quotes: Iterable[tuple[Instrument, Tick]], now: datetime | None) -> None:
    """Put quotes here that have been read from the table, for as long as their markets allow.

    Without now as if they were open.
    """
    by_ttl: dict[int, list[Tick]] = {}
    for instrument, tick in quotes:
        by_ttl.setdefault(OPEN_S if now is None else _ttl_s(instrument.mic, now), []).append(tick)
    for ttl_s, ticks in by_ttl.items():
        _keep(ticks, ttl_s)


def _keep(ticks: Sequence[Tick], ttl_s: int) -> None:
    if ticks:
        _line.ask(lambda: _put(ticks, ttl_s), None)


def _put(ticks: Sequence[Tick], ttl_s: int) -> None:
    """Newest as_of wins, as in the table: a tick from before a split comes too late here too."""
    cache = caches["quotes"]
    known = _ticks(cache.get_many([_key(tick.instrument_id) for tick in ticks]).values())
    as_of = {tick.instrument_id: tick.as_of for tick in known}
    newest = [t for t in ticks if t.as_of >= as_of.get(t.instrument_id, t.as_of)]
    stored = [msgspec.structs.replace(t, is_new_quote=False, is_new_print=False) for t in newest]
    cache.set_many({_key(tick.instrument_id): _encode(tick) for tick in stored}, ttl_s)


def _ttl_s(mic: str, now: datetime) -> int:
    if is_open(mic, now, settings.MARKET_HOURS):
        return OPEN_S
    left_s = (next_start(mic, now, settings.MARKET_HOURS) - now).total_seconds()
    return max(1, min(CLOSED_S, int(left_s)))


def _ticks(values: Iterable[bytes]) -> list[Tick]:
    """Return what can be read; what another version of Bengi has written is no quote."""
    ticks = []
    for value in values:
        try:
            ticks.append(_decode(value))
        except msgspec.MsgspecError:
            log.warning("a cached quote cannot be read and is left out")
    return ticks


def _key(instrument_id: str) -> str:
    return f"quote:{instrument_id}"
