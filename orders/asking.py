"""Orders as doors have read them, on their way to tickets: whose portfolio, under which key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from bengi.arrays import array_of, ask_values
from bengi.bulk import has_arrays
from bengi.errors import BengiError, Malformed, NotFound
from bengi.ids import new_id
from bengi.terms import AccountStatus, OrderClass
from orders.tickets import OrderTicket
from portfolios.models import Portfolio

KEY_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user wants: the values that OrderInput read, and the key where they hold none."""

    user_id: UUID
    values: Mapping[str, Any]
    key: str | None = None


def tickets_for(asked: Sequence[Asked]) -> list[OrderTicket | BengiError]:
    """Return for each its ticket, or why there is none. One statement, whoever asks."""
    places = _places_of({each.user_id for each in asked})
    return [_ticket_or_error(places[each.user_id], each) for each in asked]


def ticket_for(asked: Asked) -> OrderTicket:
    """Return the ticket of one. Raises what chosen() raises."""
    (ticket,) = tickets_for([asked])
    if isinstance(ticket, BengiError):
        raise ticket
    return ticket


class Place(NamedTuple):
    """A portfolio that an order may be for."""

    id: UUID
    account_id: UUID
    account_status: str


def _places_of(user_ids: set[UUID]) -> dict[UUID, list[Place]]:
    """Return each user's portfolios, oldest first."""
    if not user_ids:
        return {}
    found: dict[UUID, list[Place]] = {user_id: [] for user_id in user_ids}
    for user_id, *place in _rows_of(list(user_ids)):
        found[user_id].append(Place(*place))
    return found


def _rows_of(user_ids: list[UUID]) -> Iterable[tuple[Any, ...]]:
    if has_arrays():
        return ask_values(PORTFOLIOS_OF, [array_of(user_ids)])
    rows = Portfolio.objects.filter(account__user_id__in=user_ids).order_by("id")
    return rows.values_list("account__user_id", "id", "account_id", "account__status")


PORTFOLIOS_OF = (
    "SELECT a.user_id, p.id, p.account_id, a.status FROM portfolios_portfolio p"
    " JOIN accounts_account a ON a.id = p.account_id WHERE a.user_id = ANY(%s::uuid[])"
    " ORDER BY p.id"
)


def _ticket_or_error(places: Sequence[Place], asked: Asked) -> OrderTicket | BengiError:
    try:
        place = chosen(places, asked.values["portfolio_id"])
    except BengiError as error:
        return error
    return ticket_in(place, asked.values, asked.key)


def chosen(places: Iterable[Place], portfolio_id: UUID | None) -> Place:
    """Return the one of a user's portfolios that is named, else the only open one.

    Raises NotFound for one that is not the user's, Malformed where the user has to say which.
    """
    if portfolio_id is not None:
        named = next((each for each in places if each.id == portfolio_id), None)
        if named is None:
            raise NotFound
        return named
    open_ones = [each for each in places if each.account_status != AccountStatus.CLOSED]
    if len(open_ones) == 1:
        return open_ones[0]
    detail = "Say which portfolio." if open_ones else "There is no portfolio to trade in."
    raise Malformed("invalid_field", detail, field="portfolio_id")


def ticket_in(place: Place, values: Mapping[str, Any], key: str | None) -> OrderTicket:
    """Return the ticket of an order in a portfolio.

    Its key is client_order_id, else key, else a new one. The limit of an oco may stand in its take
    profit alone.
    """
    told = {name: value for name, value in values.items() if name != "portfolio_id"}
    if told["order_class"] is OrderClass.OCO and told["limit_price"] is None:
        take_profit = told["take_profit"]
        told["limit_price"] = None if take_profit is None else take_profit.limit_price
    key = told.pop("client_order_id") or key or str(new_id())
    return OrderTicket(
        account_id=place.account_id,
        portfolio_id=place.id,
        client_order_id=key,
        **told,
    )


def key_of(given: str | None) -> str | None:
    """Return the Idempotency-Key of a request if it has one. Raises Malformed for no key."""
    if given is None:
        return None
    if not 1 <= len(given) <= KEY_LENGTH_MAX or not (given.isascii() and given.isprintable()):
        detail = f"Idempotency-Key is 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        raise Malformed("invalid_idempotency_key", detail)
    return given
