"""What is said to who signs in, shows a token, or changes how they do."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.test import Client

from accounts.identity import second_factor
from accounts.identity.models import RefreshToken
from accounts.identity.tokens import issue_access
from accounts.tests.factories import PASSWORD
from bengi import clock
from tests.contract.refusals import Act, provokes
from tests.contract.stage import PHRASE, Stage, sign_in_of

AUTH = "/api/v1/auth"
JSON = "application/json"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"{AUTH}/{path}", body, content_type=JSON)


def with_token(token: str) -> Act:
    """Return how to ask for orders with a token."""
    headers = {"Authorization": f"Bearer {token}"}
    return lambda: Client().get("/api/v1/orders", headers=headers)


@provokes("wrong_password")
def _(stage: Stage) -> Act:
    body = {"password": "not-this-one", "new_password": PHRASE}
    client = stage.client("owner")
    return lambda: client.put(f"{AUTH}/password", body, content_type=JSON)


@provokes("invalid_code")
def _(stage: Stage) -> Act:
    user = stage.users["owner"]
    assert user is not None
    second_factor.begin(user, clock.wall())
    return lambda: post(stage.client("owner"), "2fa", code="no code")


@provokes("invalid_credentials")
def _(stage: Stage) -> Act:
    email = stage.places["email"]
    return lambda: post(Client(), "login", email=email, password="not-this-one")


@provokes("second_factor_required")
def _(stage: Stage) -> Act:
    dealer = stage.users["dealer"]
    assert dealer is not None
    return lambda: post(Client(), "login", email=dealer.email, password=PASSWORD)


@provokes("token_invalid")
def _(stage: Stage) -> Act:
    return with_token("bk_of_nobody")


@provokes("token_expired")
def _(stage: Stage) -> Act:
    return with_token(issue_access(sign_in_of(stage.owner.user), clock.wall() - timedelta(days=1)))


@provokes("token_reused")
def _(stage: Stage) -> Act:
    token = stage.places["refresh_token"]
    assert post(Client(), "refresh", refresh_token=token).status_code == 200
    RefreshToken.objects.update(spent_at=clock.wall() - timedelta(hours=1))
    return lambda: post(Client(), "refresh", refresh_token=token)


@provokes("second_factor_exists")
def _(stage: Stage) -> Act:
    return lambda: post(stage.client("dealer"), "2fa", password=PASSWORD)


@provokes("second_factor_not_begun")
def _(stage: Stage) -> Act:
    return lambda: post(stage.client("owner"), "2fa", code="123456")


@provokes("too_many_keys")
def _(stage: Stage) -> Act:
    def act() -> Any:
        with patch("accounts.identity.api_keys.KEYS_MAX", 1):
            return post(stage.client("owner"), "api-keys", name="Another", scopes=["read"])

    return act
