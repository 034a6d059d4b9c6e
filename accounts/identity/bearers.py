"""Whoever comes with a bearer token: an access token or a key, over HTTP and on sockets alike."""

from datetime import datetime

from accounts.identity import api_keys
from accounts.identity.grants import Grant
from accounts.identity.standing import Standing, standing_of_sign_in
from accounts.identity.tokens import invalid, read_access

TOKEN_LENGTH_MAX = 2_000


def bearer(token: str, now: datetime) -> tuple[Standing, Grant]:
    """Return who it is and what they may. Raises NotAuthenticated token_invalid, token_expired."""
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise invalid()
    if token.startswith(api_keys.PREFIX):
        key_id, standing = api_keys.open_with(token, now)
        return standing, Grant(standing.scopes, key_id=key_id)
    claims = read_access(token)
    found = standing_of_sign_in(claims.sign_in_id, now)
    if found is None or found.stamp != claims.stamp or found.user.pk != claims.user_id:
        raise invalid()
    return found, Grant(sign_in_id=claims.sign_in_id)
