"""`manage.py revoke_sessions EMAIL | --all`: sign people out everywhere."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.sessions import revoke_sessions
from bengi.management.operator import OperatorCommand, person


class Command(OperatorCommand):
    help = "End the sessions of one person, or of everybody."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?")
        parser.add_argument("--all", action="store_true", help="sign everybody out")

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        if bool(options["email"]) == options["all"]:
            raise CommandError("Name either an e-mail address or --all.")
        user = person(options["email"]) if options["email"] else None
        ended = revoke_sessions(user, by=by, now=now)
        return f"{ended} sessions of {user.email if user else 'everybody'} ended."
