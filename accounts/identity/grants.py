"""What a request may do that has proved whose it is, and the stamp that ends it all at once."""

from dataclasses import dataclass
from uuid import UUID

from accounts.models import User

READ, TRADE, ACCOUNT = "read", "trade", "account"
ALL_SCOPES = frozenset({READ, TRADE, ACCOUNT})
KEY_SCOPES = (READ, TRADE)
"""A key is for programs: it never reaches passwords, other keys or money that leaves."""


@dataclass(frozen=True, slots=True)
class Grant:
    """How a request came in (one of the ids) and how far it may go."""

    scopes: frozenset[str] = ALL_SCOPES
    sign_in_id: UUID | None = None
    key_id: UUID | None = None


def stamp_of(user: User) -> str:
    """Return 16 characters that change with the password, the roles, and when all is ended.

    They are of the hash that Django keeps in the session for the same purpose.
    """
    return user.get_session_auth_hash()[:16]
