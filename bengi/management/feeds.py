"""The market's source as an operator chooses it: options that run and run_feed have in common."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError

from instruments.feed import replayed_day, simulated_market
from instruments.providers.minutes import BadFile
from instruments.selectors import newest_quote_at

NEW_YORK = ZoneInfo("America/New_York")
REPLAY_STARTS = time(9, 25)
REAL_HOURS = ("replay", "twelvedata")
"""Feeds whose prices are real, and so are the hours."""


def add_options(parser: ArgumentParser) -> None:
    """Let an operator choose a feed."""
    parser.add_argument(
        "--feed", choices=["simulator", "replay", "twelvedata"], default="simulator"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the simulated market")
    parser.add_argument("--data", type=Path, help="folder with the CSV files of a replay")
    parser.add_argument("--day", type=date.fromisoformat, help="day to replay, YYYY-MM-DD")
    parser.add_argument("--speed", type=float, default=1.0, help="market seconds a second")


def check_options(options: dict[str, Any]) -> None:
    """Raise CommandError where options lack something or make no sense."""
    if options["speed"] <= 0:
        raise CommandError("--speed must be more than zero")
    if options["feed"] == "replay" and not (options["data"] and options["day"]):
        raise CommandError("--feed replay needs --data DIR and --day YYYY-MM-DD")
    if options["feed"] == "twelvedata" and not settings.TWELVE_DATA_API_KEY:
        raise CommandError("--feed twelvedata needs a key in TWELVE_DATA_API_KEY")


def replay_start(day: date) -> datetime:
    """Return shortly before the opening, or where an earlier run of the same books stopped."""
    starts_at = datetime.combine(day, REPLAY_STARTS, NEW_YORK).astimezone(UTC)
    return max(starts_at, newest_quote_at() or starts_at)


def source_of(options: dict[str, Any]) -> tuple[Any, ...]:
    """Return the market's provider and, where it has one, what fills it."""
    if options["feed"] == "twelvedata":
        from instruments.twelvedata.loop import TwelveDataLoop  # noqa: PLC0415 - libraries of its own
        from instruments.twelvedata.provider import TwelveDataProvider  # noqa: PLC0415

        provider = TwelveDataProvider()
        return provider, TwelveDataLoop(provider)
    return (_provider(options),)


def words_for(options: dict[str, Any]) -> str:
    """Say in a few words what the market's source is."""
    if options["feed"] == "replay":
        return "replay of {day} at {speed:g} times the market's pace".format(**options)
    if options["feed"] == "twelvedata":
        a_day = settings.TWELVE_DATA_CREDITS_DAY
        a_minute = f"{settings.TWELVE_DATA_CREDITS_MINUTE} credits a minute"
        return f"prices of Twelve Data, {a_minute}" + (f", {a_day} a day" if a_day else "")
    return "simulated market, seed {seed}".format(**options)


def _provider(options: dict[str, Any]) -> Any:
    if options["feed"] == "replay":
        try:
            return replayed_day(options["data"], options["day"])
        except BadFile as error:
            raise CommandError(str(error)) from error
    return simulated_market(seed=options["seed"], speed=max(1, int(options["speed"])))
