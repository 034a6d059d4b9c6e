"""`manage.py export_statement ACCOUNT FILE`: what moved an account's cash, as CSV or JSON."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.statement import read_statement, statement_csv, statement_shape
from bengi.audit.services import note
from bengi.management.operator import OperatorCommand, account_named
from bengi.moments import one_moment
from bengi.money import MINOR_UNITS


class Command(OperatorCommand):
    help = "Write the statement of one currency of an account to a file."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="its id, or its owner's e-mail address")
        parser.add_argument("file", type=Path)
        parser.add_argument("--currency", choices=list(MINOR_UNITS), help="default: the account's")
        parser.add_argument("--from", type=date.fromisoformat, dest="since", metavar="YYYY-MM-DD")
        parser.add_argument("--to", type=date.fromisoformat, dest="until", metavar="YYYY-MM-DD")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        account, file = account_named(options["account"]), options["file"]
        since, until = options["since"], options["until"]
        if since and until and until < since:
            raise CommandError("--to is before --from.")
        currency = options["currency"] or account.base_currency
        with one_moment():
            statement = read_statement(account, currency, since, until)
            count = statement.entries.count()
            if options["format"] == "json":
                text = json.dumps(statement_shape(statement), indent=2) + "\n"
            else:
                text = "".join(statement_csv(statement))
        try:
            file.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        details = {"currency": currency, "from": _day(since), "to": _day(until)}
        target = f"account {account.id}"
        note("statement.exported", by=by, now=now, target=target, details=details)
        return f"{count} movements of {account.user.email} in {currency} written to {file}."


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
