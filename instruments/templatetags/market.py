"""Filters that know of markets: times by the exchange's clock."""

from datetime import datetime

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
