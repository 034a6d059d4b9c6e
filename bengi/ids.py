"""Identifiers: UUIDv7, which sort by the time they were made and are safe in URLs."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

_NAMESPACE = UUID("5f0b6e2e-4d0c-7c9a-9d3e-2b8f1c7a6e10")


def new_id() -> UUID:
    """Return a new time-ordered identifier."""
    return uuid7()


def derived_id(*parts: object) -> UUID:
    """Return the identifier that belongs to parts: the same parts give the same one."""
    return uuid5(_NAMESPACE, "|".join(map(str, parts)))
