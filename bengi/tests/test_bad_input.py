"""Whatever is thrown at the API, the answer is JSON (or a file asked for), and never a 5xx."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.tests.factories import CashBalanceFactory
from bengi import clock
from bengi.api import ROUTES
from instruments.board import board
from instruments.tests.factories import QUOTED_AT, QuoteFactory
from portfolios.tests.factories import PortfolioFactory

ODD = st.sampled_from(
    ["", "0", "-0", "1e9", "1" * 30, "0.000000001", "\0", "\ud800", "é", "１", "NaN", " 1", "null"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
CSV = "text/csv; charset=utf-8"
FIELDS = {
    "symbol": st.sampled_from(["ABC", "abc", "NOPE"]) | VALUES,
    "side": st.sampled_from(["buy", "sell"]) | VALUES,
    "type": st.sampled_from(["market", "limit", "stop", "stop_limit"]) | VALUES,
    "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok", "gtd"]) | VALUES,
    "quantity": st.sampled_from(["1", "2.5", 3, "99999999", "9999999999.99999999"]) | VALUES,
    "limit_price": st.sampled_from([None, "100", "100.005", "9999999999.99999999"]) | VALUES,
    "stop_price": st.sampled_from([None, "99", "101"]) | VALUES,
    "client_order_id": st.sampled_from(["a", "b"]) | VALUES,
    "portfolio_id": VALUES,
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS) | VALUES
BYTES = st.binary(max_size=40) | BODIES.map(lambda body: json.dumps(body).encode())
IDS = ["01890a5d-ac96-774b-bcce-b302099a8057", "ABC"]
PATHS = st.sampled_from(sorted(ROUTES)).flatmap(
    lambda route: st.sampled_from([_filled(route, name) for name in (*IDS, "%00", "%ff", "é")])
)
NAMES = {
    *("cursor", "limit", "status", "symbol", "side", "order"),
    *("q", "account", "after", "interval", "before", "x"),
    *("currency", "from", "to", "format"),
}
PARAMETERS = st.dictionaries(
    st.sampled_from(sorted(NAMES)),
    st.text(max_size=12) | ODD | st.sampled_from([*IDS, "5", "open", "1min", "WyJhIl0"]),
    max_size=3,
)


def _filled(route: str, name: str) -> str:
    head, _, tail = route.partition("<")
    return head + (name + tail.partition(">")[2] if tail else "")


class BadInputTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        QuoteFactory(instrument__symbol="ABC")
        portfolio = PortfolioFactory()
        CashBalanceFactory(account=portfolio.account)
        cls.signed_in = Client(raise_request_exception=False)
        cls.signed_in.force_login(portfolio.account.user)
        cls.session = cls.signed_in.cookies[django_settings.SESSION_COOKIE_NAME].value

    def setUp(self) -> None:
        board.clear()
        clock.use(lambda: QUOTED_AT + timedelta(seconds=1))
        self.addCleanup(clock.reset)

    def judge(self, response) -> None:
        assert response.status_code < 500, response.content
        if response.status_code == 204:
            assert response.content == b""
            assert "Content-Type" not in response.headers
            return
        if response.status_code == 200 and response["Content-Type"] == CSV:
            return
        kind = "problem+json" if response.status_code >= 400 else "json"
        assert response["Content-Type"] == f"application/{kind}"
        json.loads(response.content)

    @settings(max_examples=300)
    @given(
        path=st.sampled_from(["orders", "orders/preview"]),
        body=BYTES,
        key=st.none() | st.text(st.characters(max_codepoint=255), max_size=10),
    )
    def test_bodies(self, path, body, key):
        headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
        self.judge(
            self.signed_in.post(f"/api/v1/{path}", body, content_type="application/json", **headers)
        )

    @settings(max_examples=300)
    @given(
        method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
        path=PATHS,
        query=PARAMETERS,
    )
    def test_addresses_and_queries(self, method, path, query):
        text = "&".join(
            f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}"
            for name, value in query.items()
        )
        # Signing out takes the cookie away, and each example has its database to itself.
        self.signed_in.cookies[django_settings.SESSION_COOKIE_NAME] = self.session
        self.judge(self.signed_in.generic(method, f"/api/v1/{path}?{text}"))


@pytest.mark.django_db
def test_the_fuzzed_routes_are_all_there_are():
    """A path that the fuzz fills in wrongly would only ever test the 404."""
    client = Client()
    for route in ROUTES:
        paths = {_filled(route, name) for name in IDS}
        told = {client.get(f"/api/v1/{path}").status_code for path in paths}
        assert told & {401, 405}, route  # 405: whoever signs in has to post
