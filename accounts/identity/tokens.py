"""Access tokens: JWT, one algorithm, five minutes.

The claims are iss, aud, sub (the person), sid (the sign-in), ver (the person's stamp), jti, iat
and exp. Whether the sign-in still holds is looked up, see standing.py: a token alone is not enough.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt

from accounts.identity.lifetimes import ACCESS
from accounts.identity.models import SignIn
from accounts.identity.sealing import derived_key
from bengi.errors import NotAuthenticated
from bengi.ids import new_id

ALGORITHM = "HS256"
ISSUER = "bengi"
AUDIENCE = "bengi-api"
CLAIMS = ("iss", "aud", "sub", "sid", "ver", "jti", "iat", "exp")


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says that this installation has signed and that has not expired."""

    user_id: UUID
    sign_in_id: UUID
    stamp: str


def issue_access(sign_in: SignIn, now: datetime) -> str:
    """Return an access token for a sign-in that holds at now."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(sign_in.user_id),
        "sid": str(sign_in.id),
        "ver": sign_in.stamp,
        "jti": str(new_id()),
        "iat": now,
        "exp": now + ACCESS,
    }
    return jwt.encode(claims, derived_key("access"), algorithm=ALGORITHM)


def read_access(token: str) -> Claims:
    """Return what the token says. Raises NotAuthenticated token_expired or token_invalid."""
    try:
        said: dict[str, Any] = jwt.decode(
            token,
            derived_key("access"),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": list(CLAIMS)},
        )
        return Claims(UUID(said["sub"]), UUID(said["sid"]), str(said["ver"]))
    except jwt.ExpiredSignatureError as error:
        raise NotAuthenticated("token_expired", "The token has expired; refresh it.") from error
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
        raise invalid() from error


def invalid() -> NotAuthenticated:
    """Return the error for every token or key that is not good, whatever the reason."""
    return NotAuthenticated("token_invalid", "The token is not valid, or not any more.")
