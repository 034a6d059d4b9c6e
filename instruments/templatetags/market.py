"""Filters that know of markets: times by the exchange's clock."""

from datetime import UTC, datetime

from django import template

from bengi import clock as bengi_clock
from instruments.lines import zone_of
from instruments.models import Instrument

register = template.Library()


@register.filter
def clock(moment: datetime, instrument: Instrument) -> str:
    """{{ order.accepted_at|clock:order.instrument }} -> 13:44:02, with the day when it is another.

    By the clock of the instrument's market.
    """
    zone = zone_of(instrument.mic)
    local, today = moment.astimezone(zone), bengi_clock.now().astimezone(zone)
    time = local.strftime("%H:%M:%S")
    return time if local.date() == today.date() else f"{local.day} {local:%b} {time}"


@register.filter
def clock_ms(moment: datetime, instrument: Instrument) -> str:
    """{{ line.at|clock_ms:instrument }} -> 13:31:07.412, by the clock of the market."""
    local = moment.astimezone(zone_of(instrument.mic))
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


@register.filter
def utc(moment: datetime) -> str:
    """{{ order.accepted_at|utc }} -> 2 Mar 2026 15:00:01 UTC"""
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M:%S} UTC"


@register.filter
def zone_words(instrument: Instrument) -> str:
    """{{ instrument|zone_words }} -> New York time"""
    city = zone_of(instrument.mic).key.rpartition("/")[2].replace("_", " ")
    return city if city == "UTC" else f"{city} time"
