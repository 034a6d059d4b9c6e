"""The one way in for orders: what the API, the page and the batch admit, all admit here.

On PostgreSQL orders that come at the same time share a transaction (docs/adr/0033): a connection,
a set of statements, one sync of the disk for all of them. What each is told, and what the books
say afterwards, is what it would be had they come one after the other.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import connection

from bengi.bulk import has_arrays
from bengi.errors import BengiError
from bengi.group_commit import GroupCommit, answer_each
from bengi.retries import retried
from orders.asking import Asked, tickets_for
from orders.services import Placement, place_within
from orders.tickets import OrderTicket

Wanted = Asked | OrderTicket
Answer = Placement | BengiError

GROUP_MAX = 200
"""Orders in one transaction: more would make its own callers wait for longer than they save."""
WAITING_MAX = 2_000
"""Orders of one process that wait for their turn; one more is told to come again."""
PATIENCE_S = 5.0


def admit(wanted: Wanted, *, now: datetime) -> Placement:
    """Accept one order, durable when this returns, or raise why not.

    Raises Refused with all failing rules, Malformed, Forbidden, NotFound for a portfolio that is
    not the user's, and Unavailable when too many wait or the database is away.
    """
    if is_on() and not connection.in_atomic_block:  # who has a transaction wants the order in it
        answer = _lane().submit((wanted, now))
    else:
        (answer,) = admit_all([wanted], now=now)
    if isinstance(answer, BengiError):
        raise answer
    return answer


def admit_each(wanted: Sequence[Wanted], *, now: datetime) -> list[Placement | Exception]:
    """Accept or refuse each of a door's group, durable when this returns; see answer_each().

    What goes wrong stands in the place of the one it goes wrong with.
    """
    return answer_each(lambda group: admit_all(group, now=now), wanted, PATIENCE_S)


@retried
def admit_all(wanted: Sequence[Wanted], *, now: datetime) -> list[Answer]:
    """Accept or refuse each, in order, in one transaction; the answers stand in their order.

    Tried again where the database gave it up for another's sake. A fixed number of statements,
    however many orders there are and whoever they are of.
    """
    found = iter(tickets_for([each for each in wanted if isinstance(each, Asked)]))
    tickets = [next(found) if isinstance(each, Asked) else each for each in wanted]
    good = [ticket for ticket in tickets if isinstance(ticket, OrderTicket)]
    placed = iter(place_within(good, now=now) if good else ())
    return [next(placed) if isinstance(each, OrderTicket) else each for each in tickets]


def is_on() -> bool:
    """Say whether orders that come at the same time share a transaction."""
    wants: bool | None = settings.FAST_LANE
    return has_arrays() if wants is None else wants


def _admit_group(group: Sequence[tuple[Wanted, datetime]]) -> list[Answer]:
    return admit_all([wanted for wanted, _ in group], now=max(now for _, now in group))


@cache
def _lane() -> GroupCommit[tuple[Wanted, datetime], Answer]:
    """Return this process's."""
    return GroupCommit(
        _admit_group,
        group_max=GROUP_MAX,
        waiting_max=WAITING_MAX,
        patience_s=PATIENCE_S,
        rest=give_connection_back,
    )


def give_connection_back() -> None:
    """Let others have the connection that this thread has read with: all who wait could hold all
    there are, and the leader would wait for them.
    """
    connection.close_if_unusable_or_obsolete()
