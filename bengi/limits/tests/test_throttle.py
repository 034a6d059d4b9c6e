"""The API under its limits: headers on every answer, 429 when it is too much, by whom it counts."""

import pytest
from django.test import Client, RequestFactory

from accounts.tests.factories import AccountFactory, UserFactory
from bengi.limits import throttle
from bengi.limits.address import client_address
from bengi.limits.rates import Rate, Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limits")]

ACCOUNTS, ORDERS = "/api/v1/accounts", "/api/v1/orders"


@pytest.fixture
def tight(monkeypatch):
    """Two requests a minute, one order."""
    monkeypatch.setattr(throttle, "REQUESTS", Scope("requests", (Rate(2, 60),)))
    monkeypatch.setattr(throttle, "ORDERS", Scope("orders", (Rate(1, 60),)))


def signed_in(user=None):
    client = Client(raise_request_exception=False)
    client.force_login(user or AccountFactory().user)
    return client


def numbers(response):
    return [response[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining")]


def test_every_answer_says_where_its_limit_stands():
    client = signed_in()
    assert numbers(client.get(ACCOUNTS)) == ["600", "599"]
    assert numbers(client.get(f"{ACCOUNTS}?what=1")) == ["600", "598"]
    assert numbers(client.put(ACCOUNTS)) == ["600", "597"]
    assert numbers(client.post("/api/v1/orders", {}, "application/json")) == ["10", "9"]
    nobody = Client()
    assert nobody.get(ACCOUNTS).status_code == 401
    assert numbers(nobody.get("/api/v1/nothing")) == ["600", "598"]
    assert int(nobody.get(ACCOUNTS)["X-RateLimit-Reset"]) > 1_700_000_000


def test_pages_are_not_the_api():
    assert "X-RateLimit-Limit" not in signed_in().get("/account")


@pytest.mark.usefixtures("tight")
def test_too_much_is_a_429_that_says_for_how_long():
    client = signed_in()
    assert [client.get(ACCOUNTS).status_code for _ in range(2)] == [200, 200]
    response = client.get(ACCOUNTS)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["Content-Type"] == "application/problem+json"
    assert 0 < int(response["Retry-After"]) <= 60
    assert numbers(response) == ["2", "0"]
    assert client.post("/api/v1/orders", {}, "application/json").status_code == 400
    assert client.post("/api/v1/orders", {}, "application/json").status_code == 429
    assert signed_in().get(ACCOUNTS).status_code == 200, "somebody else's limit"


@pytest.mark.usefixtures("tight")
def test_a_preview_is_no_order():
    client = signed_in()
    client.post("/api/v1/orders", {}, "application/json")
    assert client.post("/api/v1/orders/preview", {}, "application/json").status_code == 400


def test_a_batch_costs_as_many_as_it_holds_of_a_limit_of_its_own():
    client = signed_in()
    for held, left in ((1, "999"), (150, "849")):
        answer = client.post(f"{ORDERS}/batch", {"orders": [{}] * held}, "application/json")
        assert (answer.status_code, numbers(answer)) == (200, ["1000", left])
    answer = client.post(ORDERS, {}, "application/json")
    assert (answer.status_code, numbers(answer)) == (400, ["10", "7"]), "two batches, one order"


def test_a_batch_of_more_than_are_left_is_refused_whole():
    client = signed_in()
    for held, status in ((500, 200), (498, 200), (3, 429), (2, 200)):
        answer = client.post(f"{ORDERS}/batch", {"orders": [{}] * held}, "application/json")
        assert answer.status_code == status
        if status == 429:
            assert answer.json()["code"] == "rate_limited"
            assert 0 < int(answer["Retry-After"]) <= 60


@pytest.mark.usefixtures("tight")
def test_who_is_nobody_is_an_address_whatever_the_headers_claim():
    for forwarded in ("1.1.1.1", "2.2.2.2"):
        assert Client().get(ACCOUNTS, headers={"X-Forwarded-For": forwarded}).status_code == 401
    response = Client().get(ACCOUNTS, headers={"X-Forwarded-For": "3.3.3.3"})
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert Client(REMOTE_ADDR="9.9.9.9").get(ACCOUNTS).status_code == 401


def test_off_means_off(settings):
    settings.RATE_LIMITS = False
    assert "X-RateLimit-Limit" not in signed_in(UserFactory()).get(ACCOUNTS)


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "address"),
    [
        ([], "9.9.9.9", None, "9.9.9.9"),
        ([], "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ([], "", "1.1.1.1", "unknown"),
        (["10.0.0.0/8"], "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.2", "1.1.1.1", "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.2", "6.6.6.6, 1.1.1.1, 10.0.0.3", "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.2", "6.6.6.6, no-address", "10.0.0.2"),
        (["10.0.0.0/8"], "10.0.0.2", "10.0.0.4", "10.0.0.4"),
        ([], "::ffff:9.9.9.9", None, "9.9.9.9"),
        ([], "2001:db8:1:2:3::4", None, "2001:db8:1:2::/64"),
        ([], "fe80::1%eth0", None, "fe80::/64"),
    ],
)
def test_the_address_is_the_nearest_that_no_proxy_of_ours_has(
    settings, trusted, remote, forwarded, address
):
    settings.TRUSTED_PROXIES = trusted
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory(REMOTE_ADDR=remote).get("/", headers=headers)
    assert client_address(request) == address
