"""`manage.py create_user EMAIL --name NAME --role ROLE`: a person, ready to trade."""

import getpass
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.roles import ROLES, role_of
from bengi.management.operator import OperatorCommand, checked_email
from bengi.onboarding import enroll


class Command(OperatorCommand):
    help = "Create a person with a role. The password is asked for, or read from standard input."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", choices=list(ROLES), default="trader")

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        email, role = checked_email(options["email"]), options["role"]
        known = User.objects.filter(email__iexact=email).first()
        if known is not None:
            raise CommandError(f"{known.email} is there already, as {role_of(known)}.")
        user = enroll(email, options["name"], _password(), role, by=by, now=now)
        return f"Created {user.email} as {role}, with an account to trade on."


def _password() -> str:
    """Return what is typed twice, or the first line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise CommandError("The two passwords differ.")
    return first
