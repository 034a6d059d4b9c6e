"""Whose hours the market keeps: what the settings say. The hours are in instruments/calendar.py."""

from django.conf import settings

from instruments.calendar import Mode


def market_hours() -> Mode:
    """Return whether the exchanges' own hours count, as they should where prices are real."""
    mode: Mode = settings.MARKET_HOURS
    return mode
