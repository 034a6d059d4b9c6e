"""Whose hours the market keeps: what the settings say. The hours are in instruments/calendar.py."""

from datetime import datetime

from django.conf import settings

from bengi.terms import InstrumentStatus
from instruments.calendar import Mode, is_open
from instruments.models import Instrument


def market_hours() -> Mode:
    """Return whether the exchanges' own hours count, as they should where prices are real."""
    mode: Mode = settings.MARKET_HOURS
    return mode


def trades_now(instrument: Instrument, now: datetime) -> bool:
    """Return whether an instrument trades: its market is open, and staff have not stopped it."""
    is_active = instrument.status == InstrumentStatus.ACTIVE
    return is_active and is_open(instrument.mic, now, market_hours())
