"""`manage.py halt SYMBOL --reason WHY`: nobody trades an instrument for now."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from bengi.management.operator import OperatorCommand, instrument_named
from bengi.terms import InstrumentStatus
from instruments.halts import change_status


class Command(OperatorCommand):
    help = "Halt an instrument: nobody may order it, and nothing of it fills."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", help="as AAPL, or AAPL.XNAS where several exchanges have it")
        parser.add_argument("--reason", required=True)

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        instrument, reason = instrument_named(options["symbol"]), options["reason"]
        name = f"{instrument.symbol} at {instrument.mic}"
        status = InstrumentStatus.HALTED
        if change_status(instrument.id, status, by=by, reason=reason, now=now):
            return f"{name} is halted."
        return f"{name} is {status} already; nothing changed."
