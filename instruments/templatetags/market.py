"""Filters that write times: by the reader's clock, the exchange's beside it where it differs."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bengi import clock as bengi_clock
from bengi import writing
from bengi.writing import city_of
from instruments.lines import zone_of
from instruments.models import Instrument

register = template.Library()
NO_TIME = timedelta(0)


@register.filter
def clock(moment: datetime, instrument: Instrument) -> SafeString | str:
    """{{ order.accepted_at|clock:order.instrument }} -> 19:44:02 <span>13:44:02 New York</span>

    The time by the reader's clock, with the day when it is another, and beside it the market's,
    where theirs differ. Who has chosen no zone reads the market's alone.
    """
    zone = zone_of(instrument.mic)
    own = writing.zone_beside(moment, zone)
    if own is None:
        return _time(moment, zone)
    beside = '{} <span class="beside">{} {}</span>'
    return format_html(beside, _time(moment, own), _time(moment, zone, today_of=own), city_of(zone))


@register.filter
def market_clock(moment: datetime, instrument: Instrument) -> str:
    """{{ bar.starts_at|market_clock:instrument }} -> 13:44:02, by the market's clock alone."""
    return _time(moment, zone_of(instrument.mic))


@register.filter
def clock_ms(moment: datetime, instrument: Instrument) -> str:
    """{{ line.at|clock_ms:instrument }} -> 19:31:07.412, by the reader's clock."""
    local = moment.astimezone(writing.current().zone or zone_of(instrument.mic))
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


@register.filter
def moment(at: datetime) -> str:
    """{{ order.accepted_at|moment }} -> 2 Mar 2026 16:00:01 Berlin, else by UTC."""
    zone: tzinfo = writing.current().zone or UTC
    local = at.astimezone(zone)
    return f"{writing.long_day(local)} {local:%H:%M:%S} {city_of(zone)}"


@register.filter
def utc(moment: datetime) -> str:
    """{{ order.accepted_at|utc }} -> 2 Mar 2026 15:00:01 UTC"""
    at = moment.astimezone(UTC)
    return f"{writing.long_day(at)} {at:%H:%M:%S} UTC"


@register.filter
def utc_day(value: date | datetime) -> str:
    """{{ statement.since|utc_day }} -> 2 Mar 2026, of a moment the day in UTC."""
    return writing.long_day(value.astimezone(UTC) if isinstance(value, datetime) else value)


@register.filter
def utc_time(moment: datetime) -> str:
    """{{ posted.occurred_at|utc_time }} -> 15:00:01, by UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


@register.filter
def minute(at: datetime) -> str:
    """{{ rate.as_of|minute }} -> 2 Mar 2026 16:00 Berlin, else by UTC."""
    return writing.minute(at)


@register.filter
def day(value: date | datetime | None) -> str:
    """{{ trade.settles_on|day }} -> 2 Mar 2026; the day of a moment is the reader's, else UTC's."""
    return "" if value is None else writing.long_day(_own_day(value))


@register.filter
def short_day(value: date | datetime | None) -> str:
    """{{ trade.settles_on|short_day }} -> 2 Mar"""
    return "" if value is None else writing.short_day(_own_day(value))


@register.filter
def time_of_day(moment: datetime) -> str:
    """{{ entry.occurred_at|time_of_day }} -> 16:00:01, by the clock that day() and moment() use."""
    return f"{moment.astimezone(writing.current().zone or UTC):%H:%M:%S}"


@register.simple_tag
def printed_at() -> str:
    """{% printed_at %} -> 2 Mar 2026 16:00:01 Berlin: now, as moment() writes it."""
    return moment(bengi_clock.now())


@register.simple_tag
def own_zone() -> str:
    """{% own_zone %} -> Berlin, or UTC: whose clock day, time_of_day and moment go by."""
    return city_of(writing.current().zone or UTC)


def _time(moment: datetime, zone: tzinfo, today_of: tzinfo | None = None) -> str:
    """Write a time, with its day unless that is today; with today_of unless it is the day there."""
    local, today = moment.astimezone(zone), bengi_clock.now().astimezone(zone).date()
    if today_of is not None:
        today = moment.astimezone(today_of).date()
    time = local.strftime("%H:%M:%S")
    return time if local.date() == today else f"{writing.short_day(local)} {time}"


def _own_day(value: date | datetime) -> date:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(writing.current().zone or UTC).date()


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or NO_TIME


@register.filter
def zone_words(instrument: Instrument) -> str:
    """{{ instrument|zone_words }} -> New York time; Berlin time, New York is 6 h behind."""
    zone, now = zone_of(instrument.mic), bengi_clock.now()
    own = writing.zone_beside(now, zone)
    if own is None:
        return _named(writing.current().zone or zone)
    ahead = _offset(now, zone) - _offset(now, own)
    hours = f"{abs(ahead) / timedelta(hours=1):g} h {'ahead' if ahead > NO_TIME else 'behind'}"
    return f"{_named(own)}, {city_of(zone)} is {hours}"


def _named(zone: tzinfo) -> str:
    city = city_of(zone)
    return city if city == "UTC" else f"{city} time"
