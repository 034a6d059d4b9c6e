"""People who look at pages: nobody signed in, somebody new with nothing, one with everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.test import Client, TestCase

from accounts.conversions import convert
from accounts.identity import second_factor
from accounts.identity.api_keys import create_key
from accounts.identity.models import SignIn
from accounts.identity.passwords import key
from accounts.identity.tests.test_second_factor import code_of
from accounts.models import FxRate, User
from accounts.security.views import BEGUN
from accounts.tests.factories import PASSWORD, UserFactory
from bengi import clock
from bengi.terms import AlertKind
from portfolios.models import Position
from tests.pages.addresses import PAGES
from tests.pages.html import Element, read
from trades.tests.world import Trader, World, open_world
from watchlists.services import create_watchlist, set_alert

PEOPLE = ("trader", "newcomer", "stranger", "visitor")
"""The trader has some of everything, the newcomer an account without money, the stranger none."""
OTHERS = {
    "settings-factor": ("beginning", "guarded"),
    "signin-code": ("halfway",),
    "reset": ("forgetful",),
    "staff-desk": ("staff",),
    "market-data": ("staff",),
}
"""Who else is shown a page: setting up a second factor, having one, between the password and the
code of it, come from a mail, staff."""

Shown = dict[str, dict[str, Element]]


@dataclass
class Stage:
    """The people by their name, and the ids that addresses are filled in with."""

    now: datetime
    users: dict[str, User]
    ids: dict[str, str] = field(default_factory=dict)

    def client(self, who: str) -> Client:
        """Return a browser of somebody who has just come in."""
        client = Client(raise_request_exception=False)
        if who == "forgetful":
            client.get("/password/reset", {"key": key(self.users[who])})
            return client
        user = self.users.get({"halfway": "guarded"}.get(who, who))
        if user is None:
            return client
        client.post("/signin", {"email": user.email, "password": PASSWORD})
        if who == "guarded":
            client.force_login(user)
        if who == "beginning":
            session = client.session
            session[BEGUN] = True
            session.save()
        return client

    def addresses(self, route: str) -> list[str]:
        return [address.format(**self.ids) for address in PAGES[route]]


class StageTest(TestCase):
    """Tests on one stage; what a test changes is undone after it."""

    stage: Stage
    seen: dict[str, Shown]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.seen = {}

    @classmethod
    def setUpTestData(cls) -> None:
        with open_world() as world:
            clock.use(lambda: world.now)
            cls.stage = build_stage(world)
        clock.reset()

    def setUp(self) -> None:
        clock.use(lambda: self.stage.now)
        self.addCleanup(clock.reset)

    def shown(self, route: str) -> Shown:
        """Return {who: {address: page}} of a route, for those who are shown a page there."""
        if route not in self.seen:
            self.seen[route] = self._look(route)
        return self.seen[route]

    def _look(self, route: str) -> Shown:
        found: Shown = {}
        for who in (*PEOPLE, *OTHERS.get(route, ())):
            client = self.stage.client(who)
            answers = {address: client.get(address) for address in self.stage.addresses(route)}
            for address, answer in answers.items():
                assert answer.status_code < 500, (who, address)
                if answer.status_code == 200:
                    found.setdefault(who, {})[address] = read(answer.content.decode())
        return found


def told(findings: list[str]) -> str:
    """Return what was found as a failed test shows it: a line for each."""
    return "\n".join(["", *findings])


def undone(client: Client, method: str, address: str, sent: Any, **headers: Any) -> Any:
    """Send something and return the answer; nothing of it stays."""
    cookies = client.cookies.copy()
    try:
        with transaction.atomic():
            answer = getattr(client, method)(address, sent, **headers)
            transaction.set_rollback(True)
    finally:
        client.cookies = cookies
    return answer


def build_stage(world: World) -> Stage:
    """Let a market trade a little, so that every page has something to show to the trader."""
    newcomer, trader = world.trader(cash="0"), world.trader()
    users = {
        "stranger": UserFactory(),
        "newcomer": newcomer.user,
        "trader": trader.user,
        "beginning": UserFactory(),
        "forgetful": UserFactory(),
        "guarded": UserFactory(),
        "staff": UserFactory(is_staff=True, is_superuser=True),
    }
    for user in users.values():
        user.set_password(PASSWORD)
        user.save()
    second_factor.begin(users["beginning"], clock.wall())
    _guard(users["guarded"])
    ids = _trade(world, trader) | _keep(trader.user, world.now)
    return Stage(world.now, users, ids)


def _guard(user: User) -> None:
    """Turn a second factor on."""
    now = clock.wall()
    secret, _ = second_factor.begin(user, now)
    second_factor.confirm(user, code_of(secret, int(now.timestamp())), now)


def _trade(world: World, trader: Trader) -> dict[str, str]:
    """Buy, sell a part of it, leave an order open, change some money."""
    abc = world.instrument("ABC", name="Abacus")
    world.tick(abc, "99.98", "100.00", last="100.00")
    filled = world.place(trader, abc, "buy", 100)
    world.tick(abc, "100.98", "101.00", last="101.00")
    world.place(trader, abc, "sell", 40)
    world.tick(abc, "101.48", "101.50", last="101.50")
    waiting = world.place(trader, abc, "buy", 10, limit="95.00", tif="gtc")
    world.place(trader, abc, "buy", 5, limit="101.00", profit="110", loss="95", tif="gtc")
    FxRate.objects.create(
        base="EUR", quote="USD", rate=Decimal("1.1"), as_of=world.now, source="test"
    )
    convert(
        trader.account.id, "USD", "EUR", Decimal(50), target_amount=None, key="fx", now=world.now
    )
    position = Position.objects.get(portfolio=trader.portfolio)
    return {
        "order": str(waiting.id),
        "filled": str(filled.id),
        "position": str(position.id),
    }


def _keep(user: User, now: datetime) -> dict[str, str]:
    """Give somebody a list, alerts, a key, another sign-in and an address that waits."""
    watchlist = create_watchlist(user, "Mine", ["ABC"])
    create_watchlist(user, "Other", [])
    for price in (Decimal(150), Decimal(160)):
        set_alert(user, "ABC", AlertKind.ABOVE, price=price, percent=None, note="", now=now)
    create_key(user, "Robot", ["read"], now=clock.wall())
    client = Client(headers={"User-Agent": "Firefox"})
    client.post("/signin", {"email": user.email, "password": PASSWORD})
    assert SignIn.objects.filter(user=user).exists()
    EmailAddress.objects.create(user=user, email="new@bengi.example", primary=False)
    return {"watchlist": str(watchlist.id)}
