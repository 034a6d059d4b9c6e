"""`manage.py grant_role EMAIL ROLE`: let somebody do more."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from accounts.roles import ROLES, grant
from bengi.management.operator import OperatorCommand, person


class Command(OperatorCommand):
    help = "Give somebody a role. They have to sign in anew."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=list(ROLES))

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        user, role = person(options["email"]), options["role"]
        if grant(user, role, by=by, now=now):
            return f"{user.email} has the role {role} now, and is signed out."
        return f"{user.email} has the role {role} already; nothing changed."
