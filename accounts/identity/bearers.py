"""Whoever comes with a bearer token: an access token or a key, over HTTP and on sockets alike."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.identity import api_keys
from accounts.identity.grants import Grant
from accounts.identity.standing import Standing, standings
from accounts.identity.tokens import Claims, invalid, read_access
from bengi.errors import NotAuthenticated

TOKEN_LENGTH_MAX = 2_000


class Key(NamedTuple):
    """What a key says of itself."""

    id: UUID
    digest: str


Bearer = tuple[Standing, Grant]


def bearer(token: str, now: datetime) -> Bearer:
    """Return who it is and what they may. Raises NotAuthenticated token_invalid, token_expired."""
    (found,) = bearers([token], now)
    if isinstance(found, NotAuthenticated):
        raise found
    return found


def bearers(
    tokens: Sequence[str], now: datetime, *, is_shared: bool = False
) -> list[Bearer | NotAuthenticated]:
    """Return for each token what bearer() returns or raises; as many questions as for one.

    is_shared: others of this process may hold the same instances, so that they are only read.
    """
    said = [_read(token) for token in tokens]
    sign_ins = {each.sign_in_id for each in said if isinstance(each, Claims)}
    keys = {each.id for each in said if isinstance(each, Key)}
    found = standings(sign_ins, keys, now, is_shared=is_shared)
    return [each if isinstance(each, NotAuthenticated) else _judged(each, found) for each in said]


def _read(token: str) -> Claims | Key | NotAuthenticated:
    try:
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            raise invalid()
        if token.startswith(api_keys.PREFIX):
            return Key(*api_keys.read_key(token))
        return read_access(token)
    except NotAuthenticated as error:
        return error


def _judged(said: Claims | Key, found: dict[UUID, Standing]) -> Bearer | NotAuthenticated:
    if isinstance(said, Key):
        standing = found.get(said.id)
        if standing is None or not hmac.compare_digest(standing.digest, said.digest):
            return invalid()
        return standing, Grant(standing.scopes, key_id=said.id)
    standing = found.get(said.sign_in_id)
    if standing is None or (standing.stamp, standing.user.pk) != (said.stamp, said.user_id):
        return invalid()
    return standing, Grant(sign_in_id=said.sign_in_id)
