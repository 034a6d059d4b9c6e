"""What the tests of the orders API say and hear."""

from datetime import timedelta

from django.test import Client

from instruments.tests.factories import QUOTED_AT

URL = "/api/v1/orders"
NOWHERE = "01900000-0000-7000-8000-000000000000"  # fixed: test names must not change
NOW = QUOTED_AT + timedelta(seconds=1)
TICKET = {"symbol": "ABC", "side": "buy", "type": "limit", "quantity": "10", "limit_price": "99.50"}


def signed_in(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def post(client, body, url=URL, **headers):
    return client.post(url, body, content_type="application/json", **headers)


def cancel(client, order_id):
    return client.generic("POST", f"{URL}/{order_id}/cancel")


def told(response) -> dict[str, str]:
    """Return {field: code} of a problem."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return {error["field"]: error["code"] for error in response.json()["errors"]}


def same_but_request(response) -> dict:
    return {**response.json(), "request_id": ""}
