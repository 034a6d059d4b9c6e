"""`manage.py revoke_role EMAIL ROLE`: take a role away."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from accounts.roles import ROLES, revoke
from bengi.management.operator import OperatorCommand, person


class Command(OperatorCommand):
    help = "Take a role from somebody, and end their sessions."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=list(ROLES))

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        user, role = person(options["email"]), options["role"]
        if revoke(user, role, by=by, now=now):
            return f"{user.email} has the role {role} no more, and is signed out."
        return f"{user.email} does not have the role {role}; nothing changed."
