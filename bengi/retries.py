"""Transactions that the database gives up for another's sake are tried again, in one place.

Two that wait for each other (a deadlock) or could not have run one after the other (a serialization
failure), and on SQLite a lock that another process holds, say nothing about what was asked.
"""

import functools
import logging
from collections.abc import Callable
from time import monotonic, sleep
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

log = logging.getLogger(__name__)

PAUSES_S = (0.01, 0.03, 0.1)
"""How long to wait before each further try."""

GIVE_UP_AFTER_S = 2.0
"""No try begins later than this after the first: who asks has waited long enough."""

_STATES = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization_failure and deadlock_detected."""

_BUSY, _LOCKED = 5, 6
"""SQLite's primary result codes."""

P = ParamSpec("P")
R = TypeVar("R")


def retried(use_case: Callable[P, R]) -> Callable[P, R]:
    """Run a use case in a transaction, and again in a new one where the database gave it up.

    Nothing of a failed try is left, its on_commit hooks included. Inside of a transaction it runs
    once, in a savepoint: then the whole has to be tried again, which is for the outermost to do.
    """

    @functools.wraps(use_case)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        pauses = () if connection.in_atomic_block else PAUSES_S
        give_up_at_s = monotonic() + GIVE_UP_AFTER_S
        for pause_s in pauses:
            try:
                with transaction.atomic():
                    return use_case(*args, **kwargs)
            except OperationalError as error:
                if not is_given_up(error) or monotonic() + pause_s > give_up_at_s:
                    raise
                log.warning("%s is tried again: %s", use_case.__name__, error)
            sleep(pause_s)
        with transaction.atomic():
            return use_case(*args, **kwargs)

    return run


def is_given_up(error: OperationalError) -> bool:
    """Say whether the same transaction may well succeed when it is tried again."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _STATES:
        return True
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in {_BUSY, _LOCKED}
