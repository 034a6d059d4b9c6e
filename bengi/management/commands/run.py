"""`manage.py run`: the whole of Bengi in one process, on SQLite, with a market of its own."""

import os
import signal
import socket
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from bengi import clock
from bengi.management.commands.seed_demo import seed
from instruments.days import use_stored_days
from instruments.feed import ClockBehind, replayed_day, simulated_market
from instruments.providers.minutes import BadFile

NEW_YORK = ZoneInfo("America/New_York")
REPLAY_STARTS = time(9, 25)
REAL_HOURS = ("replay", "twelvedata")
"""Feeds whose prices are real, and so are the hours."""


class Command(BaseCommand):
    help = "Migrate, seed the demo and serve pages, engine and market from one process."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--database", help="SQLite file (default: var/bengi.sqlite3)")
        parser.add_argument(
            "--feed", choices=["simulator", "replay", "twelvedata"], default="simulator"
        )
        parser.add_argument("--seed", type=int, default=1, help="of the simulated market")
        parser.add_argument("--hours", choices=["always", "exchange"], help="when markets are open")
        parser.add_argument("--data", type=Path, help="folder with the CSV files of a replay")
        parser.add_argument("--day", type=date.fromisoformat, help="day to replay, YYYY-MM-DD")
        parser.add_argument("--speed", type=float, default=1.0, help="market seconds a second")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_options(options)
        settings.MARKET_HOURS = options["hours"] or (
            "exchange" if options["feed"] in REAL_HOURS else settings.MARKET_HOURS
        )
        if options["feed"] == "replay":
            settings.GUARD_S_MIN = int(options["speed"])
            settings.MONGODB_URI = ""  # the archive is of the books that go on
        _use_database(_database_file(options))
        _check_port(options["host"], options["port"])
        self._prepare(options)
        self._serve(options)

    def _prepare(self, options: dict[str, Any]) -> None:
        """Bring the database up to date and fill in what is missing of the demo."""
        try:
            call_command("migrate", verbosity=0, interactive=False)
            if options["feed"] == "replay":
                clock.use(clock.SpedUpClock(_replay_start(options["day"]), options["speed"]))
            seed(clock.now())
            use_stored_days()
        except DatabaseError as error:
            name = settings.DATABASES["default"]["NAME"]
            raise CommandError(f"The database {name} cannot be used: {error}") from error

    def _serve(self, options: dict[str, Any]) -> None:
        # Daphne (in bengi.server) installs Twisted's asyncio reactor when it is imported.
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: PLC0415

        from bengi.asgi import application  # noqa: PLC0415
        from bengi.embedded import Embedded  # noqa: PLC0415
        from bengi.server import Server  # noqa: PLC0415

        # A shell that starts a program in the background lets it ignore SIGINT; whoever sends one
        # to its process id means it, so the server's own handler has to find the usual one.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        parts = Embedded(*_source(options))
        host, port = options["host"], options["port"]
        if options["feed"] == "replay":
            try:
                parts.prepare()
            except ClockBehind as error:
                raise CommandError(f"The replay cannot start: {error}") from error
        parts.start()
        try:
            Server(
                application=ASGIStaticFilesHandler(application),
                endpoints=[f"tcp:port={port}:interface={host}"],
                server_name="bengi",
                ready_callable=lambda: self._announce(host, port, options),
            ).run()
        finally:
            parts.stop()
            self.stdout.write("Stopped.")

    def _announce(self, host: str, port: int, options: dict[str, Any]) -> None:
        market = "simulated market, seed {seed}"
        if options["feed"] == "replay":
            market = "replay of {day} at {speed:g} times the market's pace"
        elif options["feed"] == "twelvedata":
            a_day = settings.TWELVE_DATA_CREDITS_DAY
            a_minute = f"{settings.TWELVE_DATA_CREDITS_MINUTE} credits a minute"
            market = f"prices of Twelve Data, {a_minute}" + (f", {a_day} a day" if a_day else "")
        self.stdout.write(f"Bengi is at http://{host}:{port}  ({market.format(**options)})")
        if settings.DEMO_EMAIL:
            self.stdout.write(f"Demo sign-in: {settings.DEMO_EMAIL} / {settings.DEMO_PASSWORD}")
        self.stdout.write("Ctrl-C stops it; the data stays.")
        self.stdout.flush()


def _check_options(options: dict[str, Any]) -> None:
    if options["speed"] <= 0:
        raise CommandError("--speed must be more than zero")
    if options["feed"] == "replay" and not (options["data"] and options["day"]):
        raise CommandError("--feed replay needs --data DIR and --day YYYY-MM-DD")
    if options["feed"] == "twelvedata" and not settings.TWELVE_DATA_API_KEY:
        raise CommandError("--feed twelvedata needs a key in TWELVE_DATA_API_KEY")


def _database_file(options: dict[str, Any]) -> Path | None:
    """Return the SQLite file to use: prices that are real do not go into simulated books.

    A replay has books of its own besides, its clock being another.
    """
    if options["database"]:
        return Path(options["database"])
    if options["feed"] == "replay":
        return settings.VAR_DIR / f"replay-{options['day']}.sqlite3"
    if options["feed"] == "twelvedata" and "sqlite" in connections.settings["default"]["ENGINE"]:
        return settings.VAR_DIR / "twelvedata.sqlite3"
    return None


def _use_database(file: Path | None) -> None:
    default = connections.settings["default"]
    if file is not None:
        if "sqlite" not in default["ENGINE"]:
            raise CommandError("--database names a SQLite file, but DATABASE_URL is set")
        default["NAME"] = str(file)
        connections["default"].settings_dict["NAME"] = str(file)
    if "sqlite" not in default["ENGINE"]:
        return
    folder = Path(default["NAME"]).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The folder {folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise CommandError(f"The folder {folder} cannot be written to")


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            hint = "choose another one with ARGS='--port N'"
            raise CommandError(f"Port {port} cannot be used ({error.strerror}); {hint}") from error


def _replay_start(day: date) -> datetime:
    """Return shortly before the opening, or where an earlier run of the same books stopped."""
    from instruments.selectors import newest_quote_at  # noqa: PLC0415

    starts_at = datetime.combine(day, REPLAY_STARTS, NEW_YORK).astimezone(UTC)
    return max(starts_at, newest_quote_at() or starts_at)


def _source(options: dict[str, Any]) -> tuple[Any, ...]:
    """Return the market's provider and, where it has one, what fills it."""
    if options["feed"] == "twelvedata":
        from instruments.twelvedata.loop import TwelveDataLoop  # noqa: PLC0415 - libraries of its own
        from instruments.twelvedata.provider import TwelveDataProvider  # noqa: PLC0415

        provider = TwelveDataProvider()
        return provider, TwelveDataLoop(provider)
    return (_provider(options),)


def _provider(options: dict[str, Any]) -> Any:
    """Return the market's source."""
    if options["feed"] == "replay":
        try:
            return replayed_day(options["data"], options["day"])
        except BadFile as error:
            raise CommandError(str(error)) from error
    return simulated_market(seed=options["seed"], speed=max(1, int(options["speed"])))
