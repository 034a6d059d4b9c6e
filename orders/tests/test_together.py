"""Orders that are admitted together stand as if they had come one after the other.

The oracle is the same product, asked for one order at a time on the same books. Few keys, prices
and amounts, so that orders meet: in their keys, in the cash and the shares of an account, in its
limits, in looking alike.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import CashBalance, User
from accounts.tests.factories import CashBalanceFactory, UserFactory
from bengi.errors import BengiError
from bengi.events.models import Event, Stream
from bengi.ids import new_id
from bengi.terms import Leg, OrderClass, OrderType, Side, TimeInForce
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders import services
from orders.asking import Asked
from orders.fast_lane import admit_all
from orders.legs import StopLoss, TakeProfit
from orders.models import Order, RiskLimits
from orders.services import Placement
from orders.tests.http import NOW
from portfolios.lots import Pick
from portfolios.models import Lot, Portfolio, Position
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]

D = Decimal
KEYS = st.sampled_from(["a", "b", "c", None])
PRICES = st.sampled_from([D(99), D(100), D(101)])
MAYBE = st.one_of(st.none(), PRICES)


@pytest.fixture
def people() -> list[User]:
    """Two who trade, with 1 000 and 300 USD; a third who has no portfolio, and closed the books."""
    QuoteFactory(instrument=InstrumentFactory(symbol="XYZ"))
    users = [UserFactory() for _ in range(3)]
    for user, cash in zip(users[:2], (D(1000), D(300)), strict=True):
        portfolio = PortfolioFactory(account__user=user)
        CashBalanceFactory(account=portfolio.account, amount=cash)
        abc = Instrument.objects.get(symbol="ABC")
        PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(6))
        LotFactory(portfolio=portfolio, instrument=abc, quantity=D(4))
        LotFactory(portfolio=portfolio, instrument=abc, quantity=D(2))
    RiskLimits.objects.create(account=portfolio.account, max_open_orders=4, max_open_orders_here=2)
    return users


@pytest.fixture(autouse=True)
def _written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are small here: let orders be written while later ones are judged all the same."""
    monkeypatch.setattr(services, "PART", 2)


@st.composite
def wishes(draw: Any) -> dict[str, Any]:
    """Draw what somebody asks for: mostly acceptable, often just not."""
    kind = draw(st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]))
    is_limit = kind is OrderType.LIMIT
    side = draw(st.sampled_from(list(Side)))
    group = draw(st.sampled_from([*[OrderClass.SIMPLE] * 4, OrderClass.BRACKET, OrderClass.OCO]))
    legs: dict[str, Any] = {"take_profit": None, "stop_loss": None}
    if group is not OrderClass.SIMPLE:
        legs = {
            "take_profit": TakeProfit(draw(st.sampled_from([D(102), D(101)]))),
            "stop_loss": StopLoss(stop_price=draw(st.sampled_from([D(97), D(98)]))),
        }
    by_amount = group is OrderClass.SIMPLE and not is_limit and draw(st.booleans())
    return {
        "who": draw(st.sampled_from([0, 0, 0, 1, 1, 2])),
        "picks": side is Side.SELL and draw(st.integers(0, 3)) == 0,
        "symbol": draw(st.sampled_from(["ABC", "abc", "ABC", "XYZ", "NONE"])),
        "side": side,
        "type": kind,
        "time_in_force": TimeInForce.DAY,
        "quantity": D(0) if by_amount else draw(st.sampled_from([D(1), D(2), D(4)])),
        "notional": D(200) if by_amount else None,
        "limit_price": draw(PRICES) if is_limit and group is not OrderClass.OCO else None,
        "client_order_id": draw(KEYS),
        "confirm_duplicate": draw(st.booleans()),
        "order_class": group,
        **legs,
    }


def asked(users: Sequence[User], wish: dict[str, Any], place: int) -> Asked:
    values = {
        **dict.fromkeys(("stop_price", "trail_price", "trail_percent", "expires_at")),
        "extended_hours": False,
        "portfolio_id": None,
        **{name: value for name, value in wish.items() if name not in {"who", "picks"}},
    }
    user = users[wish["who"]]
    lot = Lot.objects.filter(portfolio__account__user=user).order_by("id").first()
    values["lots"] = (Pick(lot.id, values["quantity"]),) if wish["picks"] and lot else ()
    if values["order_class"] is OrderClass.OCO:
        values["type"], values["side"] = OrderType.LIMIT, Side.SELL
    return Asked(user.id, values, key=f"place-{place}")


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def books() -> list[Any]:
    """Return what orders leave behind."""
    events = ("stream", "seq", "type", "payload", "occurred_at", "subject")
    return [
        list(Order.objects.order_by("id").values()),
        list(CashBalance.objects.order_by("id").values()),
        list(Position.objects.order_by("id").values()),
        list(Stream.objects.order_by("id").values("id", "seq")),
        list(Event.objects.order_by("stream", "seq").values(*events)),
    ]


def told(answer: Placement | BengiError) -> Any:
    """Return what one was told: the errors and their numbers, or whether it was there before."""
    if isinstance(answer, Placement):
        return [answer.replayed, answer.order.status, answer.order.client_order_id]
    return [[e.code, e.field, e.details] for e in getattr(answer, "errors", [answer])]


def outcome(answers: Sequence[Placement | BengiError]) -> Any:
    """Return answers and books, with ids named by the order in which they were given."""
    orders = list(Order.objects.order_by("id"))
    names = {str(order.id): f"order {n}" for n, order in enumerate(orders)}
    names |= {o.client_order_id: f"leg {n}" for n, o in enumerate(orders) if _is_beside(o)}
    text = json.dumps([[told(answer) for answer in answers], books()], default=_plain)
    for one, name in names.items():
        text = text.replace(one, name)
    return json.loads(text)


def _is_beside(order: Order) -> bool:
    return order.parent_id is not None or order.leg == Leg.STOP_LOSS


def _plain(value: Any) -> str:
    return str(value.normalize()) if isinstance(value, Decimal) else str(value)


def one_by_one(wanted: Sequence[Asked]) -> Any:
    with undone():
        return outcome([a for each in wanted for a in admit_all([each], now=NOW)])


def together(wanted: Sequence[Asked]) -> Any:
    with undone():
        return outcome(admit_all(wanted, now=NOW))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=st.lists(wishes(), min_size=2, max_size=9))
def test_a_group_stands_as_if_its_orders_had_come_in_turn(people, drawn):
    wanted = [asked(people, wish, place) for place, wish in enumerate(drawn)]
    assert together(wanted) == one_by_one(wanted)


LIMIT: dict[str, Any] = {
    "who": 0,
    "picks": False,
    "symbol": "ABC",
    "side": Side.BUY,
    "type": OrderType.LIMIT,
    "time_in_force": TimeInForce.DAY,
    "quantity": D(4),
    "notional": None,
    "limit_price": D(100),
    "client_order_id": None,
    "confirm_duplicate": True,
    "order_class": OrderClass.SIMPLE,
    "take_profit": None,
    "stop_loss": None,
}


def codes(answers: Sequence[Placement | BengiError]) -> list[str]:
    return ["accepted" if isinstance(a, Placement) else a.code for a in answers]


def test_the_cash_of_an_account_is_spent_once(people):
    wanted = [asked(people, LIMIT, place) for place in range(4)]
    assert codes(admit_all(wanted, now=NOW)) == ["accepted"] * 2 + ["insufficient_funds"] * 2
    balance = CashBalance.objects.get(account__user=people[0])
    assert (balance.amount, balance.reserved) == (D(1000), D(800))


def test_a_key_that_comes_twice_makes_one_order(people):
    same = asked(people, LIMIT | {"client_order_id": "k"}, 0)
    other = asked(people, LIMIT | {"client_order_id": "k", "quantity": D(1)}, 0)
    first, again, wrong = admit_all([same, same, other], now=NOW)
    assert isinstance(first, Placement)
    assert isinstance(again, Placement)
    assert (first.replayed, again.replayed, first.order.id) == (False, True, again.order.id)
    assert codes([wrong]) == ["idempotency_mismatch"]
    assert Order.objects.count() == Event.objects.count() == 1


def test_the_same_key_of_two_people_makes_two_orders(people):
    wanted = [
        asked(people, LIMIT | {"client_order_id": "k", "who": who, "quantity": D(1)}, 0)
        for who in (0, 1)
    ]
    assert codes(admit_all(wanted, now=NOW)) == ["accepted"] * 2


def test_a_leg_that_looks_like_the_next_order_is_asked_about(people):
    """The take profit of a bracket, and the same sale by hand, in one group."""
    bracket = LIMIT | {
        "order_class": OrderClass.BRACKET,
        "take_profit": TakeProfit(D(102)),
        "stop_loss": StopLoss(stop_price=D(97)),
    }
    sale = LIMIT | {"side": Side.SELL, "limit_price": D(102), "confirm_duplicate": False}
    wanted = [asked(people, bracket, 0), asked(people, sale, 1)]
    assert codes(admit_all(wanted, now=NOW)) == ["accepted", "possible_duplicate"]


def test_a_portfolio_is_its_owners_alone(people):
    theirs = Portfolio.objects.get(account__user=people[1])
    mine = asked(people, LIMIT, 0)
    stolen = replace(mine, values=mine.values | {"portfolio_id": theirs.id})
    nowhere = replace(mine, values=mine.values | {"portfolio_id": new_id()})
    nobodys = asked(people, LIMIT | {"who": 2}, 1)
    answers = admit_all([stolen, nowhere, nobodys, replace(stolen, user_id=people[1].id)], now=NOW)
    assert codes(answers) == ["not_found", "not_found", "invalid_field", "insufficient_funds"]
    assert not Order.objects.exists()


def free(desk: Any) -> None:
    for balance in desk.balances.values():
        balance.reserved = D(0)


PLANTED = {
    "a key is not remembered": lambda desk: desk.known.clear(),
    "cash is not held": free,
    "looks are forgotten": lambda desk: desk.recent.clear(),
    "open orders are not counted": lambda desk: desk.open_orders.clear(),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_group_that_forgets_what_it_has_done_is_found(people, monkeypatch, bug):
    """Planted bugs: after each order of a group the desk forgets something of it."""
    RiskLimits.objects.create(
        account_id=Portfolio.objects.get(account__user=people[0]).account_id, max_open_orders_here=2
    )
    right = services._answer

    def wrong(desk: Any, ticket: Any, now: Any) -> Any:
        PLANTED[bug](desk)
        return right(desk, ticket, now)

    small = LIMIT | {"quantity": D(1), "confirm_duplicate": False, "client_order_id": "k"}
    wishes_of = [
        small,
        small,
        small | {"client_order_id": "l"},
        small | {"client_order_id": "m", "quantity": D(2)},
        small | {"client_order_id": "n", "quantity": D(3)},
        LIMIT | {"symbol": "XYZ", "quantity": D(4)},
        LIMIT | {"symbol": "XYZ", "quantity": D(4), "limit_price": D(101)},
    ]
    wanted = [asked(people, wish, place) for place, wish in enumerate(wishes_of)]
    expected = one_by_one(wanted)
    assert together(wanted) == expected
    monkeypatch.setattr(services, "_answer", wrong)
    try:
        found = together(wanted)
    except Exception as error:  # noqa: BLE001 - the database may be the one that finds it
        found = error  # type: ignore[assignment]
    assert found != expected


def test_what_is_asked_for_is_not_changed_by_asking(people):
    """A group that fails as a whole is tried again with the very same wishes."""
    wish = asked(people, LIMIT, 0)
    before = msgspec.json.encode({name: str(value) for name, value in wish.values.items()})
    assert isinstance(wish.user_id, UUID)
    with undone():
        admit_all([wish], now=NOW)
    after = msgspec.json.encode({name: str(value) for name, value in wish.values.items()})
    assert before == after
    assert codes(admit_all([wish], now=NOW)) == ["accepted"]
