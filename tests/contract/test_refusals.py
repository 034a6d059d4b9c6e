"""Every code of docs/errors.md can be provoked, with its status, and nothing has moved then."""

from typing import Any

import pytest

from accounts.identity.models import ApiKey, PendingFactor
from accounts.models import Account, IdempotencyKey, LedgerAdjustment, LedgerTransaction, User
from accounts.services import register
from bengi.errors import BengiError
from bengi.schema.codes import STATUS_OF
from instruments.models import CorporateAction, Instrument
from orders.models import TradingHalt
from portfolios.models import Portfolio
from tests.contract.refusals import (
    PROVOCATIONS,
    of_orders,
    of_people,
    of_requests,
    of_staff,
    of_things,
)
from tests.contract.stage import staged
from trades.models import TradeCorrection
from trades.tests.desk import trace
from watchlists.models import PriceAlert, Watchlist, WatchlistItem

pytestmark = pytest.mark.django_db
PARTS = (of_requests, of_people, of_orders, of_things, of_staff)
ALSO = (Account, LedgerTransaction, LedgerAdjustment, IdempotencyKey, TradeCorrection)
ALSO += (TradingHalt, CorporateAction, Instrument, Portfolio)
ALSO += (Watchlist, WatchlistItem, PriceAlert, ApiKey, PendingFactor)


def everything() -> list[Any]:
    """Return balances, orders, trades, the ledger, every event: what a refusal must not move."""
    people = [list(User.objects.order_by("pk").values("email", "password"))]
    return [*trace(), *people, *(list(model.objects.order_by("pk").values()) for model in ALSO)]


def test_every_code_has_a_provocation():
    assert set(PROVOCATIONS) == set(STATUS_OF)


@pytest.mark.parametrize("code", PROVOCATIONS)
def test_a_refusal_tells_its_code_and_leaves_no_trace(code: str):
    with staged() as stage:
        act = PROVOCATIONS[code](stage)
        before = everything()
        try:
            response = act()
        except BengiError as error:
            told = {error.code: error.status}
        else:
            assert response.headers["Content-Type"] == "application/problem+json"
            body = response.json()
            told = dict.fromkeys([each["code"] for each in body["errors"]], body["status"])
            told |= {body["code"]: response.status_code}
        assert everything() == before
    assert told.get(code) == STATUS_OF[code], told


MOVES = {
    "an order": of_orders.order,
    "money": of_requests.move,
    "a request for a bust": lambda stage: of_staff.bust(stage, stage.sold),
    "a decision": lambda stage: of_staff.decide(stage, "decline"),
    "a new person": lambda _: register("new@bengi.example", "New", "a-long-enough-phrase"),
}


@pytest.mark.parametrize("what", MOVES)
def test_a_trace_would_be_seen(what: str):
    with staged() as stage:
        before = everything()
        MOVES[what](stage)
        assert everything() != before
