"""`manage.py fake_twelvedata`: a Twelve Data of one's own, to run and to test Bengi against."""

import asyncio
import functools
import signal
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi import clock
from instruments import calendar
from instruments.providers.minutes import BadFile
from instruments.special_days import known_days
from instruments.standin.credits import PLANS, Plan
from instruments.standin.faults import STREAM, read_fault
from instruments.standin.market import Market, recorded, simulated
from instruments.standin.server import Server
from instruments.standin.service import Service

NEW_YORK = ZoneInfo("America/New_York")
SPEED_MAX = 100
"""Of the simulated market, which then makes some 2 500 ticks a second."""


class Command(BaseCommand):
    help = "Serve a stand-in of Twelve Data: REST and WebSocket, from a simulated or recorded day."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8900, help="0 takes any that is free")
        parser.add_argument("--seed", type=int, default=1, help="of the simulated market")
        parser.add_argument("--hours", choices=["always", "exchange"], default="always")
        parser.add_argument("--data", type=Path, help="folder with the CSV files of a recorded day")
        parser.add_argument("--day", type=date.fromisoformat, help="day to play, YYYY-MM-DD")
        parser.add_argument(
            "--at", type=time.fromisoformat, default=time(9, 25), help="when it begins, New York"
        )
        parser.add_argument("--speed", type=float, default=1.0, help="market seconds a second")
        parser.add_argument("--plan", choices=list(PLANS), default="free")
        parser.add_argument(
            "--per-minute", type=int, help="credits a minute, instead of the plan's"
        )
        parser.add_argument("--per-day", type=int, help="credits a day; 0 is without end")
        parser.add_argument("--key", action="append", default=[], help="the only keys that count")
        parser.add_argument("--fault", action="append", default=[], help="a fault, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        calendar.use(calendar.Calendar(known_days(), {}))
        market = _market(options)
        service = Service(market, _plan(options), options["key"])
        for text in options["fault"]:
            try:
                service.faults.add(read_fault(text), clock.wall())
            except ValueError as error:
                raise CommandError(f"--fault {text}: {error}") from error
        try:
            asyncio.run(self._serve(service, options))
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used ({error.strerror}); choose another one "
                "with --port N"
            ) from error
        finally:
            clock.reset()
        self.stdout.write("Stopped.")

    async def _serve(self, service: Service, options: dict[str, Any]) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        server = Server(service, now=clock.now, wall=clock.wall)
        host, port = options["host"], options["port"]
        await server.run(host, port, stop, functools.partial(self._announce, server, options))

    def _announce(self, server: Server, options: dict[str, Any]) -> None:
        market = "simulated market, seed {seed}"
        if options["data"]:
            market = "{day} at {speed:g} times the market's pace"
        where = f"{options['host']}:{server.port}"
        self.stdout.write(
            f"Twelve Data's stand-in is at http://{where}  ({market})".format(**options)
        )
        self.stdout.write(f"Stream: ws://{where}{STREAM}   plan: {_words(server.service.plan)}")
        self.stdout.write("Ctrl-C stops it.")
        self.stdout.flush()


def _market(options: dict[str, Any]) -> Market:
    """Return what is to be served; a recorded day brings its own clock."""
    if options["speed"] <= 0:
        raise CommandError("--speed must be more than zero")
    if not options["data"] and options["speed"] > SPEED_MAX:
        raise CommandError(f"--speed may be {SPEED_MAX} at most for the simulated market")
    if bool(options["data"]) != bool(options["day"]):
        raise CommandError("a recorded day needs both --data DIR and --day YYYY-MM-DD")
    if not options["data"]:
        speed = max(1, int(options["speed"]))
        return simulated(seed=options["seed"], speed=speed, mode=options["hours"])
    try:
        market = recorded(options["data"], options["day"])
    except BadFile as error:
        raise CommandError(str(error)) from error
    starts_at = datetime.combine(options["day"], options["at"], NEW_YORK).astimezone(UTC)
    clock.use(clock.SpedUpClock(starts_at, options["speed"]))
    return market


def _plan(options: dict[str, Any]) -> Plan:
    plan = PLANS[options["plan"]]
    if options["per_minute"] is not None:
        plan = msgspec.structs.replace(plan, credits_per_minute=options["per_minute"])
    if options["per_day"] is not None:
        plan = msgspec.structs.replace(plan, credits_per_day=options["per_day"] or None)
    return plan


def _words(plan: Plan) -> str:
    words = f"{plan.name}, {plan.credits_per_minute} credits a minute"
    if plan.credits_per_day is not None:
        words += f", {plan.credits_per_day} a day"
    return words if plan.stream_credits else f"{words}, no stream"
