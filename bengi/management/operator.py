"""What the commands of operators share: who does it, whom it is about, and how it fails.

A command prints in a line or two what it did; what is refused becomes one line on standard error
and exit code 1. Done at the command line without --by, the audit log names nobody.
"""

from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.models import Account, User
from bengi import clock
from bengi.errors import BengiError, Refused
from instruments.models import Instrument


class OperatorCommand(BaseCommand):
    """A command with --by; do() says what it did, or raises why not."""

    requires_system_checks: list[str] = []
    needs_person = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that refuses what it cannot read in one line, as do() does."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def refuse(message: str) -> NoReturn:
            if parser.called_from_command_line:
                parser.exit(1, f"CommandError: {message}; --help tells more.\n")
            raise CommandError(message)

        parser.error = refuse  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_own_arguments(parser)
        parser.add_argument(
            "--by",
            metavar="EMAIL",
            required=self.needs_person,
            help="who does it, for the audit log; they need the right to",
        )

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what the command itself takes."""

    def handle(self, *args: Any, **options: Any) -> None:
        by = person(options["by"]) if options["by"] else None
        try:
            said = self.do(options, by, clock.now())
        except Refused as error:
            raise CommandError(" ".join(each.detail for each in error.errors)) from error
        except BengiError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(said)

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        """Do it, and return what was done in words."""
        raise AssertionError("every command says what it does")


def person(email: str) -> User:
    """Return who has an address. Raises CommandError."""
    found = User.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise CommandError(f"There is nobody with the address {email}.")
    return found


def account_named(text: str) -> Account:
    """Return the account with an id, or the only one of a person by their e-mail address.

    Raises CommandError.
    """
    accounts = Account.objects.select_related("user")
    if "@" not in text:
        try:
            account = accounts.filter(id=UUID(text)).first()
        except ValueError:
            account = None
        if account is None:
            raise CommandError(f"There is no account {text}.")
        return account
    found = list(accounts.filter(user=person(text)).order_by("created_at", "id"))
    if len(found) != 1:
        ids = ", ".join(str(account.id) for account in found) or "none"
        raise CommandError(f"{text} has {len(found)} accounts; name one by its id: {ids}.")
    return found[0]


def checked_email(text: str) -> str:
    """Return an e-mail address. Raises CommandError where it is none."""
    try:
        validate_email(text)
    except ValidationError as error:
        raise CommandError(f"{text} is no e-mail address.") from error
    return text


def instrument_named(text: str) -> Instrument:
    """Return the instrument called AAPL, or AAPL.XNAS. Raises CommandError, also for several."""
    symbol, _, mic = text.strip().upper().partition(".")
    rows = Instrument.objects.filter(symbol=symbol)
    found = list((rows.filter(mic=mic) if mic else rows).order_by("mic"))
    if not found:
        raise CommandError(f"There is no instrument {text}.")
    if len(found) > 1:
        names = ", ".join(f"{row.symbol}.{row.mic}" for row in found)
        raise CommandError(f"Several exchanges have {symbol}; name one of {names}.")
    return found[0]
