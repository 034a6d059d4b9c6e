"""`manage.py credit ACCOUNT AMOUNT CURRENCY --reason WHY`: demo money."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.crediting import credit
from accounts.models import User
from bengi.ids import new_id
from bengi.management.operator import OperatorCommand, account_named
from bengi.money import MINOR_UNITS, parse_decimal, plain


class Command(OperatorCommand):
    help = "Credit demo money to an account. With --key, the same key does it once."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="its id, or its owner's e-mail address")
        parser.add_argument("amount")
        parser.add_argument("currency", choices=list(MINOR_UNITS))
        parser.add_argument("--reason", required=True, help="it stands in the statement")
        parser.add_argument("--key", help="names this credit, so that it is not made again")

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        account, currency = account_named(options["account"]), options["currency"]
        try:
            amount = parse_decimal(options["amount"])
        except ValueError as error:
            raise CommandError(f"{options['amount']} is no amount.") from error
        asked = {"reason": options["reason"], "key": options["key"] or str(new_id())}
        receipt = credit(account, amount, currency, by=by, now=now, **asked)
        words = f"{plain(amount)} {currency} to {account.user.email}, account {account.id}"
        cash = receipt.body["balance"]["cash"]
        done = "Credited before, by the same key:" if receipt.replayed else "Credited"
        return f"{done} {words}. Cash: {cash} {currency}."
