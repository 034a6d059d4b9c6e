"""What `manage.py halt` and `manage.py resume` share: one instrument gets another status."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from bengi.management.operator import OperatorCommand, instrument_named
from bengi.terms import InstrumentStatus
from instruments.halts import change_status


class StatusCommand(OperatorCommand):
    """Sets status; done says of an instrument that it has been set."""

    status: InstrumentStatus
    done: str

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", help="as AAPL, or AAPL.XNAS where several exchanges have it")
        parser.add_argument("--reason", required=True)

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        instrument, reason = instrument_named(options["symbol"]), options["reason"]
        name = f"{instrument.symbol} at {instrument.mic}"
        if change_status(instrument.id, self.status, by=by, reason=reason, now=now):
            return f"{name} {self.done}."
        return f"{name} is {self.status} already; nothing changed."
