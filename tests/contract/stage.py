"""A world with one of everything, and for each operation a request that fits it.

The owner has a fill and a closing, an open and a closed order; one of staff has asked for a bust.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import rate
from bengi import clock
from instruments.tests.factories import BarFactory
from orders.models import Order
from tests.contract.document import Documented
from trades.corrections import ask_bust
from trades.models import Trade, TradeCorrection
from trades.tests.corporate_stage import dividend
from trades.tests.desk import fills_of
from trades.tests.world import Trader, World, open_world

ROLES = ("anonymous", "owner", "other", "dealer", "admin")
DEALS = ("execute_trade", "correct_trade")
NOWHERE = "01900000-0000-7000-8000-000000000000"
KEY = "a-key-of-my-own"


@dataclass
class Stage:
    """What stands on the stage; places fill addresses in."""

    world: World
    owner: Trader
    other: Trader
    bought: Trade
    sold: Trade
    working: Order
    asked: TradeCorrection
    users: dict[str, User | None] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, str]:
        return {
            "account_id": str(self.owner.account.id),
            "portfolio_id": str(self.owner.portfolio.id),
            "order_id": str(self.working.id),
            "exec_id": str(self.sold.exec_id),
            "correction_id": str(self.asked.id),
            "symbol": "ABC",
        }

    def client(self, role: str) -> Client:
        """Return a client of somebody in that role."""
        client, user = Client(raise_request_exception=False), self.users[role]
        if user is not None:
            client.force_login(user)
        return client


def staff(*permissions: str, **more: Any) -> User:
    """Return one of staff with permissions by their code names."""
    user = UserFactory(is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@contextmanager
def staged() -> Iterator[Stage]:
    """Set the stage; its time is that of every door."""
    with open_world() as world:
        clock.use(lambda: world.now)
        try:
            yield _set(world)
        finally:
            clock.reset()


def _set(world: World) -> Stage:
    abc = world.instrument(has_feed=True)
    owner, other = world.trader(cash="10000"), world.trader(cash="500")
    world.tick(abc, "9.90", "10.00", last="10.00")
    BarFactory(instrument=abc, starts_at=world.now)
    rate("EUR/USD", "1.08", world.now)
    dividend(abc, "0.25")
    (bought,) = fills_of(world.place(owner, abc, "buy", 20, key="first"))
    (sold,) = fills_of(world.place(owner, abc, "sell", 5, key="second"))
    gone = world.place(owner, abc, "buy", 1, limit="9.10", tif="gtc", key="third")
    world.cancel(owner, gone)
    working = world.place(owner, abc, "buy", 100, limit="9.80", tif="gtc", key="fourth")
    (late,) = fills_of(world.place(owner, abc, "buy", 2, key="fifth"))
    asked = ask_bust(staff(*DEALS), late.exec_id, reason="Wrong price", now=world.now)
    users = {
        "anonymous": None,
        "owner": owner.user,
        "other": other.user,
        "dealer": staff(*DEALS),
        "admin": UserFactory(is_staff=True, is_superuser=True),
    }
    return Stage(world, owner, other, bought, sold, working, asked, users)


TICKET = {
    "symbol": "ABC",
    "side": "buy",
    "type": "limit",
    "quantity": "10",
    "limit_price": "9.50",
    "time_in_force": "gtc",
    "client_order_id": "my-first",
}
BODIES: dict[str, dict[str, Any]] = {
    "change_an_account": {"realism": "harsh"},
    "deposit_money": {"amount": "250.00", "currency": "USD"},
    "withdraw_money": {"amount": "250.00", "currency": "USD"},
    "convert_money": {"from": "USD", "to": "EUR", "amount": "100.00"},
    "change_a_portfolio": {"cost_basis_method": "hifo"},
    "place_an_order": TICKET,
    "preview_an_order": {**TICKET, "type": "market", "limit_price": None, "time_in_force": "day"},
    "replace_an_order": {"limit_price": "9.85"},
    "cancel_an_order": {},
    "execute_an_order_by_hand": {
        "order_id": "{order_id}",
        "quantity": "40",
        "price": "9.75",
        "reason": "Phone order",
    },
    "ask_for_a_bust": {"reason": "Wrong price"},
    "ask_for_an_adjustment": {"price": "9.85", "reason": "Wrong price"},
    "approve_a_correction": {},
    "decline_a_correction": {},
}
QUERIES: dict[str, dict[str, str]] = {
    "list_events": {"account": "{account_id}", "after": "0", "limit": "2"},
    "list_orders": {"limit": "2"},
    "list_transactions": {"limit": "2"},
    "list_bars": {"interval": "1m", "limit": "1"},
}


def filled(value: Any, places: dict[str, str]) -> Any:
    """Return texts with {places} filled in, also inside of objects."""
    if isinstance(value, dict):
        return {key: filled(each, places) for key, each in value.items()}
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(f"{{{name}}}", place)
    return value


def ask(client: Client, each: Documented, places: dict[str, str]) -> Any:
    """Make the operation's request."""
    query = filled(QUERIES.get(each.id, {}), places)
    body = filled(BODIES.get(each.id), places)
    address = filled(each.path, places)
    if query:
        address += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    with_body = {} if body is None else {"data": body, "content_type": "application/json"}
    method = getattr(client, each.method.lower())
    return method(address, **with_body, headers={"Idempotency-Key": KEY})


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is written inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
