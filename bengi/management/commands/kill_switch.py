"""`manage.py kill_switch on|off`: no new orders, of everybody or of one account."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Account, User
from bengi.management.operator import OperatorCommand, account_named
from orders.halts import halt_trading, resume_trading
from orders.models import TradingHalt


class Command(OperatorCommand):
    help = "Refuse new orders, or let them in again; everybody's, or those of one account."
    needs_person = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("switch", choices=["on", "off"])
        parser.add_argument("--account", help="its id, or its owner's e-mail address")
        parser.add_argument("--reason", default="", help="traders read it; needed for on")
        parser.add_argument(
            "--cancel-orders", action="store_true", help="ask open orders to go as well"
        )

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        assert by is not None, "argparse asks for --by"
        account = account_named(options["account"]) if options["account"] else None
        whose = f"account {account.id}" if account else "everybody"
        standing = _standing(account)
        if options["switch"] == "off":
            if standing is None:
                return f"Trading of {whose} is not halted; nothing changed."
            resume_trading(standing.id, by, now=now)
            return f"Trading of {whose} goes on."
        if not options["reason"].strip():
            raise CommandError("Say why with --reason: traders read it.")
        if standing is not None:
            return f"Trading of {whose} is halted already: {standing.reason} Nothing changed."
        halt_trading(
            by,
            reason=options["reason"],
            account_id=account.id if account else None,
            cancel_orders=options["cancel_orders"],
            now=now,
        )
        also = ", and open orders are asked to go" if options["cancel_orders"] else ""
        return f"New orders of {whose} are refused{also}."


def _standing(account: Account | None) -> TradingHalt | None:
    return TradingHalt.objects.filter(account=account, lifted_at__isnull=True).first()
