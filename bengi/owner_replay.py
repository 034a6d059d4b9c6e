"""The part of the replay that owners write: names, closed accounts, portfolios.

Rows from before these events were told have none: only what the log tells of is compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account
from bengi.terms import AccountStatus
from portfolios.models import Portfolio

OPENED, UPDATED, DELETED = "portfolio.opened", "portfolio.updated", "portfolio.deleted"
OF_PORTFOLIOS = frozenset({OPENED, UPDATED, DELETED})


@dataclass(slots=True)
class FoldedOwners:
    """Each by its id, as the events tell it."""

    names: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    portfolios: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)


def fold_owner(
    state: FoldedOwners, event_type: str, payload: dict[str, Any], stream_id: str
) -> None:
    """Carry state forward by one event, if there is anything for it in it."""
    if event_type in {"account.opened", "account.updated"} and "name" in payload:
        state.names[stream_id] = payload["name"]
    elif event_type == "account.closed":
        state.closed.add(stream_id)
    elif event_type in {OPENED, UPDATED} and "name" in payload:
        state.portfolios[payload["portfolio_id"]] = payload["name"]
    elif event_type == DELETED:
        state.portfolios.pop(payload["portfolio_id"], None)
        state.deleted.add(payload["portfolio_id"])


def folded_owner_lines(state: FoldedOwners) -> Iterator[str]:
    """Yield what the events tell, one line per row."""
    yield from (f"account {key} is called {name}" for key, name in state.names.items())
    yield from (f"account {key} is closed" for key in state.closed)
    yield from (f"portfolio {key} is called {name}" for key, name in state.portfolios.items())


def table_owner_lines(state: FoldedOwners) -> Iterator[str]:
    """Yield what the tables hold of the same rows, in the same lines."""
    accounts = Account.objects.filter(id__in=state.names)
    for account_id, name in accounts.values_list("id", "name"):
        yield f"account {account_id} is called {name}"
    for account in Account.objects.filter(status=AccountStatus.CLOSED):
        yield f"account {account.id} is closed"
    told = [*state.portfolios, *state.deleted]
    for portfolio_id, name in Portfolio.objects.filter(id__in=told).values_list("id", "name"):
        yield f"portfolio {portfolio_id} is called {name}"
