"""`manage.py run`: the whole of Bengi in one process, on SQLite, with a market of its own."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from bengi import clock
from bengi.management import feeds
from bengi.management.commands.seed_demo import seed
from bengi.management.serving import check_port, held_alone, server
from instruments.days import use_stored_days
from instruments.feed import ClockBehind


class Command(BaseCommand):
    help = "Migrate, seed the demo and serve pages, engine and market from one process."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--database", help="SQLite file (default: var/bengi.sqlite3)")
        parser.add_argument("--hours", choices=["always", "exchange"], help="when markets are open")
        feeds.add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        feeds.check_options(options)
        settings.MARKET_HOURS = options["hours"] or (
            "exchange" if options["feed"] in feeds.REAL_HOURS else settings.MARKET_HOURS
        )
        if options["feed"] == "replay":
            settings.GUARD_S_MIN = int(options["speed"])
            settings.MONGODB_URI = ""  # the archive is of the books that go on
        file = _use_database(_database_file(options))
        check_port(options["host"], options["port"])
        with nullcontext() if file is None else held_alone(file):
            self._prepare(options)
            self._serve(options)

    def _prepare(self, options: dict[str, Any]) -> None:
        """Bring the database up to date and fill in what is missing of the demo."""
        try:
            call_command("migrate", verbosity=0, interactive=False)
            if options["feed"] == "replay":
                clock.use(clock.SpedUpClock(feeds.replay_start(options["day"]), options["speed"]))
            seed(clock.now())
            use_stored_days()
        except DatabaseError as error:
            name = settings.DATABASES["default"]["NAME"]
            raise CommandError(f"The database {name} cannot be used: {error}") from error

    def _serve(self, options: dict[str, Any]) -> None:
        from bengi.embedded import Embedded  # noqa: PLC0415 - it loads the engine

        host, port = options["host"], options["port"]
        serving = server(host, port, lambda: self._announce(host, port, options))
        parts = Embedded(*feeds.source_of(options))
        if options["feed"] == "replay":
            try:
                parts.prepare()
            except ClockBehind as error:
                raise CommandError(f"The replay cannot start: {error}") from error
        parts.start()
        try:
            serving.run()
        finally:
            parts.stop()
            self.stdout.write("Stopped.")

    def _announce(self, host: str, port: int, options: dict[str, Any]) -> None:
        self.stdout.write(f"Bengi is at http://{host}:{port}  ({feeds.words_for(options)})")
        if settings.DEMO_EMAIL:
            self.stdout.write(f"Demo sign-in: {settings.DEMO_EMAIL} / {settings.DEMO_PASSWORD}")
        self.stdout.write("Ctrl-C stops it; the data stays.")
        self.stdout.flush()


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


def _use_database(file: Path | None) -> Path | None:
    """Use a SQLite file, None: what the settings name; return the file, None where it is none."""
    default = connections.settings["default"]
    if file is not None:
        if "sqlite" not in default["ENGINE"]:
            raise CommandError("--database names a SQLite file, but DATABASE_URL is set")
        default["NAME"] = str(file)
        connections["default"].settings_dict["NAME"] = str(file)
    if "sqlite" not in default["ENGINE"]:
        return None
    used = Path(default["NAME"])
    folder = used.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The folder {folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise CommandError(f"The folder {folder} cannot be written to")
    return used
