"""A world with one of everything, and for each operation a request that fits it.

The owner has a fill and a closing, an open and a closed order, a list, an alert, a key, and is
signed in by a program; the dealer has a second factor. One of staff has asked for a bust.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.test import Client

from accounts.identity import passwords
from accounts.identity.api_keys import create_key
from accounts.identity.grants import stamp_of
from accounts.identity.models import SignIn
from accounts.identity.refreshing import first_token
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.money_stage import rate
from bengi import clock
from bengi.terms import AlertKind
from instruments.tests.factories import BarFactory
from orders.models import Order
from portfolios.models import Position
from tests.contract.document import Documented
from trades.corrections import ask_bust
from trades.models import Trade, TradeCorrection
from trades.notices.selectors import ORDER, events_told
from trades.tests.corporate_stage import dividend
from trades.tests.desk import fills_of
from trades.tests.world import Trader, World, open_world
from watchlists.services import create_watchlist, set_alert

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
    kept: dict[str, str]
    users: dict[str, User | None] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, str]:
        owner = User.objects.get(pk=self.owner.user.pk)
        return {
            **self.kept,
            "reset_key": passwords.key(owner),
            "account_id": str(self.owner.account.id),
            "portfolio_id": str(self.owner.portfolio.id),
            "order_id": str(self.working.id),
            "exec_id": str(self.sold.exec_id),
            "correction_id": str(self.asked.id),
            "symbol": "ABC",
            "notice_id": str(events_told(owner).order_by(*ORDER)[0].pk),
            "email": owner.email,
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
    dealer = _in_group("dealer")
    for trader in (owner, other):
        trader.user.set_password(PASSWORD)
        trader.user.save()
    users = {
        "anonymous": None,
        "owner": owner.user,
        "other": other.user,
        "dealer": dealer,
        "admin": _in_group("admin"),
    }
    kept = _belongings(owner, world) | _identity(owner.user, dealer)
    kept["empty_portfolio_id"] = str(other.portfolio.id)
    return Stage(world, owner, other, bought, sold, working, asked, kept, users)


def _in_group(role: str) -> User:
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def _belongings(owner: Trader, world: World) -> dict[str, str]:
    position = Position.objects.get(portfolio=owner.portfolio)
    terms = {"price": Decimal("12.00"), "percent": None, "note": "Sell some", "now": world.now}
    alert = set_alert(owner.user, "ABC", AlertKind.ABOVE, **terms)
    return {
        "position_id": str(position.id),
        "watchlist_id": str(create_watchlist(owner.user, "Core", ["ABC"]).id),
        "alert_id": str(alert.id),
    }


def _identity(owner: User, dealer: User) -> dict[str, str]:
    now = clock.wall()
    key, _ = create_key(owner, "A program", ["read", "trade"], now=now)
    address = EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    TOTP.activate(dealer, "A" * 32)
    codes = RecoveryCodes.activate(dealer).get_unused_codes()
    sign_in = sign_in_of(owner)
    return {
        "key_id": str(key.id),
        "sign_in_id": str(sign_in.id),
        "refresh_token": first_token(sign_in, now),
        "email_key": EmailConfirmationHMAC.create(address).key,
        "recovery_code": codes[0],
    }


def sign_in_of(user: User) -> SignIn:
    """Sign a program in as somebody."""
    now = clock.wall()
    return SignIn.objects.create(
        user=user,
        kind=SignIn.Kind.TOKEN,
        stamp=stamp_of(user),
        address="127.0.0.1",
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=1),
    )


TICKET = {
    "symbol": "ABC",
    "side": "buy",
    "type": "limit",
    "quantity": "10",
    "limit_price": "9.50",
    "time_in_force": "gtc",
    "client_order_id": "my-first",
}
PHRASE = "another-long-phrase"
BODIES: dict[str, dict[str, Any]] = {
    "open_an_account": {"name": "Second", "starting_cash": "5000.00"},
    "reset_an_account": {"starting_cash": "20000.00"},
    "change_an_account": {"realism": "harsh"},
    "deposit_money": {"amount": "250.00", "currency": "USD"},
    "withdraw_money": {"amount": "250.00", "currency": "USD"},
    "convert_money": {"from": "USD", "to": "EUR", "amount": "100.00"},
    "preview_a_conversion": {"from": "USD", "to": "EUR", "amount": "100.00"},
    "change_a_portfolio": {"cost_basis_method": "hifo"},
    "open_a_portfolio": {"name": "Growth", "cost_basis_method": "hifo"},
    "write_a_portfolio": {"name": "Long term", "cost_basis_method": "hifo"},
    "place_an_order": TICKET,
    "place_several_orders": {"orders": [TICKET, {**TICKET, "symbol": "NOPE"}]},
    "cancel_all_orders": {"account_id": "{account_id}"},
    "close_a_position": {"percent": "50"},
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
    "list_an_instrument": {
        "symbol": "NEW",
        "name": "New Company",
        "mic": "XNYS",
        "type": "stock",
        "currency": "USD",
        "tick_size": "0.01",
    },
    "correct_an_instrument": {
        "name": "ABC Holdings",
        "tick_size": "0.01",
        "quantity_step": "1",
        "exchange_step": None,
    },
    "create_a_watchlist": {"name": "Banks", "symbols": ["ABC"]},
    "write_a_watchlist": {"name": "Core", "symbols": ["ABC"]},
    "add_a_symbol_to_a_watchlist": {"symbol": "ABC", "place": 0},
    "set_an_alert": {"symbol": "ABC", "kind": "below", "price": "9.00", "note": "Buy more"},
    "change_an_alert": {"price": "13.00"},
    "register": {"email": "new@bengi.example", "name": "New", "password": PHRASE},
    "sign_in": {"email": "{email}", "password": PASSWORD},
    "refresh_tokens": {"refresh_token": "{refresh_token}"},
    "sign_out": {},
    "sign_out_everywhere": {},
    "change_the_password": {"password": PASSWORD, "new_password": PHRASE},
    "change_the_profile": {"theme": "dark"},
    "verify_an_address": {"key": "{email_key}"},
    "ask_for_a_password_reset": {"email": "{email}"},
    "confirm_a_password_reset": {"key": "{reset_key}", "password": PHRASE},
    "turn_on_the_second_factor": {"password": PASSWORD},
    "change_the_address": {"email": "new@bengi.example", "password": PASSWORD},
    "mark_notifications_read": {"up_to": "{notice_id}"},
    "renew_the_recovery_codes": {"password": PASSWORD, "code": "{recovery_code}"},
    "turn_off_the_second_factor": {"password": PASSWORD, "code": "{recovery_code}"},
    "create_an_api_key": {"name": "A robot", "scopes": ["read", "trade"]},
}
QUERIES: dict[str, dict[str, str]] = {
    "list_events": {"account": "{account_id}", "after": "0", "limit": "2"},
    "list_orders": {"limit": "2"},
    "search_instruments": {"q": "abc"},
    "get_the_summary_of_trades": {"account": "{account_id}", "period": "week"},
    "get_the_statement_of_a_period": {"from": "2026-03-01", "to": "2026-03-31"},
    "get_the_history_of_a_portfolio": {"from": "2026-03-01", "to": "2026-03-02"},
    "get_the_performance_of_a_portfolio": {"to": "2026-03-02", "benchmark": "ABC"},
    "list_movers": {"limit": "2"},
    "list_transactions": {"limit": "2"},
    "list_bars": {"interval": "1min", "limit": "1", "indicators": "ema:2,vwap"},
}
PLACES = {"delete_a_portfolio": {"portfolio_id": "{empty_portfolio_id}"}}
"""Where an address names something else than its place says."""


def filled(value: Any, places: dict[str, str]) -> Any:
    """Return texts with {places} filled in, also inside of objects."""
    if isinstance(value, dict):
        return {key: filled(each, places) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, places) for each in value]
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(f"{{{name}}}", place)
    return value


def ask(client: Client, each: Documented, places: dict[str, str]) -> Any:
    """Make the operation's request."""
    query = filled(QUERIES.get(each.id, {}), places)
    body = filled(BODIES.get(each.id), places)
    address = filled(each.path, {**places, **filled(PLACES.get(each.id, {}), places)})
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
