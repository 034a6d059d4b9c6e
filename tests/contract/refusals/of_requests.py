"""What cannot be read, who may not ask, what is not there."""

from typing import Any
from unittest.mock import patch

from django.test import Client, override_settings

from accounts.services import register
from bengi.problem import BODY_BYTES_MAX
from tests.contract.refusals import PROVOCATIONS, Act, provokes
from tests.contract.stage import NOWHERE, TICKET, Stage

ORDERS = "/api/v1/orders"
JSON = "application/json"


def raw(stage: Stage, body: str, media_type: str = JSON, role: str = "owner") -> Any:
    """Post a body to the orders as it stands."""
    return stage.client(role).post(ORDERS, body, content_type=media_type)


def move(stage: Stage, what: str = "deposit", key: str | None = "k", **change: Any) -> Any:
    """Move money of the owner's."""
    body = {"amount": "10.00", "currency": "USD"} | change
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/api/v1/accounts/{stage.owner.account.id}/{what}"
    return stage.client("owner").post(path, body, content_type=JSON, headers=headers)


def freeze(stage: Stage) -> None:
    stage.owner.account.status = "frozen"
    stage.owner.account.save()


BODIES = {
    "malformed_json": '{"symbol": NaN}',
    "duplicate_key": '{"symbol": "ABC", "symbol": "XYZ"}',
    "payload_too_large": " " * (BODY_BYTES_MAX + 1),
}
for _code, _body in BODIES.items():
    PROVOCATIONS[_code] = lambda stage, body=_body: lambda: raw(stage, body)


@provokes("unsupported_media_type")
def _(stage: Stage) -> Act:
    return lambda: raw(stage, "symbol=ABC", "application/x-www-form-urlencoded")


@provokes("invalid_parameter")
def _(stage: Stage) -> Act:
    return lambda: stage.client("owner").get(f"{ORDERS}?limit=0")


@provokes("invalid_amount")
def _(stage: Stage) -> Act:
    return lambda: move(stage, amount="0.001")


@provokes("idempotency_key_required")
def _(stage: Stage) -> Act:
    return lambda: move(stage, key=None)


@provokes("invalid_idempotency_key")
def _(stage: Stage) -> Act:
    return lambda: move(stage, key="k" * 256)


@provokes("idempotency_mismatch")
def _(stage: Stage) -> Act:
    assert move(stage).status_code == 201
    return lambda: move(stage, amount="11.00")


@provokes("in_progress")
def _(stage: Stage) -> Act:
    """The first request is not committed yet when the second one looks."""
    assert move(stage).status_code == 201

    def second() -> Any:
        with patch("accounts.services.known_answer", return_value=None):
            return move(stage)

    return second


@provokes("insufficient_available")
def _(stage: Stage) -> Act:
    return lambda: move(stage, "withdraw", amount="9999.00")


@provokes("max_balance")
def _(stage: Stage) -> Act:
    return lambda: move(stage, amount="9999999999")


@provokes("no_fx_rate")
def _(stage: Stage) -> Act:
    body = {"from": "USD", "to": "JPY", "amount": "10.00"}
    path = f"/api/v1/accounts/{stage.owner.account.id}/convert"
    client, headers = stage.client("owner"), {"Idempotency-Key": "k"}
    return lambda: client.post(path, body, content_type=JSON, headers=headers)


@provokes("rate_changed")
def _(stage: Stage) -> Act:
    body = {"from": "USD", "to": "EUR", "amount": "10.00", "target_amount": "10.01"}
    path = f"/api/v1/accounts/{stage.owner.account.id}/convert"
    client, headers = stage.client("owner"), {"Idempotency-Key": "k"}
    return lambda: client.post(path, body, content_type=JSON, headers=headers)


@provokes("not_authenticated")
def _(stage: Stage) -> Act:
    return lambda: raw(stage, "{}", role="anonymous")


@provokes("csrf_failed")
def _(stage: Stage) -> Act:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(stage.owner.user)
    return lambda: client.post(ORDERS, TICKET, content_type=JSON)


@provokes("forbidden")
def _(stage: Stage) -> Act:
    path = f"/api/v1/trades/{stage.sold.exec_id}/bust"
    return lambda: stage.client("owner").post(path, {"reason": "Mine"}, content_type=JSON)


@provokes("account_frozen")
def _(stage: Stage) -> Act:
    freeze(stage)
    return lambda: move(stage, "withdraw")


@provokes("not_found")
def _(stage: Stage) -> Act:
    path = f"{ORDERS}/{NOWHERE}/cancel"
    return lambda: stage.client("owner").post(path, {}, content_type=JSON)


@provokes("method_not_allowed")
def _(stage: Stage) -> Act:
    return lambda: stage.client("owner").delete(ORDERS)


@provokes("weak_password")
def _(stage: Stage) -> Act:
    return lambda: register("new@bengi.example", "New", "12345678901")


@provokes("email_taken")
def _(stage: Stage) -> Act:
    return lambda: register(stage.owner.user.email, "New", "a-long-enough-phrase")


# What no address of ours answers by itself: those of bengi/tests/problem_urls.py do.
ELSEWHERE = {"rate_limited": "raise/rate", "internal_error": "plain-bug"}
ELSEWHERE["unavailable"] = "raise/database"


def _elsewhere(stage: Stage, path: str) -> Any:
    with override_settings(ROOT_URLCONF="bengi.tests.problem_urls"):
        return stage.client("owner").get(f"/api/{path}")


for _code, _path in ELSEWHERE.items():
    PROVOCATIONS[_code] = lambda stage, path=_path: lambda: _elsewhere(stage, path)
