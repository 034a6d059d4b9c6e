"""Instruments, their newest quotes and their bars."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Case, Max, Q, QuerySet, Value, When

from bengi.errors import NotFound
from bengi.money import ZERO
from bengi.terms import InstrumentStatus
from instruments.bars import NUMBERS, BarValue
from instruments.board import board
from instruments.models import Bar, Instrument, Quote
from instruments.quote_cache import cached_quotes, keep_read
from instruments.quotes import Tick


def instrument_by_symbol(symbol: str) -> Instrument:
    """Return the listing of symbol, one with a feed first. Raises NotFound."""
    found = Instrument.objects.filter(symbol=sayable(symbol).upper())
    instrument = found.order_by("-has_feed", "mic").first()
    if instrument is None:
        raise NotFound(f"There is no instrument {symbol}.")
    return instrument


def instruments_by_symbol(symbols: Iterable[str]) -> dict[str, Instrument]:
    """Return the listing of each symbol, one with a feed first, as instrument_by_symbol() does.

    Symbols are in capitals; those there is no instrument of are absent. One statement.
    """
    asked = {sayable(symbol) for symbol in symbols}
    rows = Instrument.objects.filter(symbol__in=asked).order_by("has_feed", "-mic")
    return {row.symbol: row for row in rows}  # the last one of a symbol wins


def instruments_matching(text: str, limit: int = 20) -> QuerySet[Instrument]:
    """Return the instrument of that symbol, those whose symbol begins so, whose name holds it."""
    text = sayable(text)
    is_it, begins = Q(symbol__iexact=text), Q(symbol__istartswith=text)
    rank = Case(When(is_it, then=Value(0)), When(begins, then=Value(1)), default=Value(2))
    found = Instrument.objects.filter(begins | Q(name__icontains=text)).annotate(rank=rank)
    return found.order_by("rank", "symbol", "mic")[:limit]


def feed_instruments() -> QuerySet[Instrument]:
    """Return the instruments that a provider quotes."""
    return Instrument.objects.filter(has_feed=True).order_by("symbol", "mic")


def halted_instruments() -> QuerySet[Instrument]:
    """Return the instruments that are halted, by symbol: nobody orders them and nothing fills."""
    return Instrument.objects.filter(status=InstrumentStatus.HALTED).order_by("symbol", "mic")


def latest_quotes(of: Iterable[Instrument | str], now: datetime | None = None) -> dict[str, Tick]:
    """Return the newest quote of each instrument (or symbol) by symbol; unquoted ones are absent.

    This process's board comes first, the cache of quotes second, the table last. Given instruments
    that are on the board or cached it costs no query; symbols cost one to look them up; whatever is
    in neither one more. now: the market's time, so that others may be told the same for as long as
    the market stands still; without it for as long as while it is open.
    """
    newest = _newest(_instruments(of), now)
    return {instrument.symbol: tick for instrument, tick in newest if tick is not None}


def feed_quotes(now: datetime) -> list[tuple[Instrument, Tick | None]]:
    """Return every instrument that a provider quotes with its newest quote, by symbol.

    From where latest_quotes() has them; one statement, and one more for what the table must tell.
    """
    return _newest(feed_instruments(), now)


def sayable(text: str) -> str:
    """Return what somebody wrote without NUL, which no name holds and PostgreSQL does not take."""
    return text.replace("\0", "\ufffd")


def _newest(
    instruments: Iterable[Instrument], now: datetime | None
) -> list[tuple[Instrument, Tick | None]]:
    """Return each instrument with its newest quote; what the table tells is cached."""
    by_id = {str(each.id): each for each in instruments}
    found = {key: tick for key in by_id if (tick := board.newest(key)) is not None}
    found |= cached_quotes(each for key, each in by_id.items() if key not in found)
    missing = {key: each for key, each in by_id.items() if key not in found}
    if missing:
        stored = stored_ticks(Quote.objects.filter(instrument_id__in=missing))
        keep_read([(missing[tick.instrument_id], tick) for tick in stored], now)
        found |= {tick.instrument_id: tick for tick in stored}
    return [(each, found.get(key)) for key, each in by_id.items()]


def newest_quote_at() -> datetime | None:
    """Return how far the stored market has come: the newest as_of of all; None without quotes."""
    return Quote.objects.aggregate(newest=Max("as_of"))["newest"]


def stored_ticks(quotes: QuerySet[Quote]) -> list[Tick]:
    """Return stored quotes as ticks: neither their quote nor their print is new."""
    return [_tick(quote) for quote in quotes.select_related("instrument")]


def stored_bars(
    instrument: Instrument,
    interval: str,
    limit: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[BarValue]:
    """Return the newest limit bars of a stored interval that begin in [start, end), oldest first.

    One statement. Bars of every interval, folded where they must be: instruments/series.py.
    """
    found = Bar.objects.filter(instrument=instrument, interval=interval)
    if start is not None:
        found = found.filter(starts_at__gte=start)
    if end is not None:
        found = found.filter(starts_at__lt=end)
    newest = found.order_by("-starts_at").values_list("starts_at", *NUMBERS)[:limit]
    return [BarValue(str(instrument.id), interval, *row) for row in reversed(newest)]


def _instruments(of: Iterable[Instrument | str]) -> Sequence[Instrument]:
    given = list(of)
    symbols = [item for item in given if isinstance(item, str)]
    instruments = [item for item in given if isinstance(item, Instrument)]
    if symbols:
        instruments += instruments_by_symbol(symbols).values()
    return instruments


def _tick(quote: Quote) -> Tick:
    instrument = quote.instrument
    return Tick(
        symbol=instrument.symbol,
        instrument_id=str(instrument.id),
        shard=instrument.shard,
        bid=quote.bid,
        ask=quote.ask,
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
        last=quote.last,
        last_size=ZERO,
        volume=quote.day_volume,
        day_open=quote.day_open,
        day_high=quote.day_high,
        day_low=quote.day_low,
        previous_close=quote.previous_close,
        as_of=quote.as_of,
        source=quote.source,
        is_new_quote=False,
        is_new_print=False,
    )
