"""Who may do what: every operation of the document, asked for by everybody."""

import pytest

from tests.contract.document import Documented, operations
from tests.contract.stage import NOWHERE, ROLES, Stage, ask, staged, undone

pytestmark = pytest.mark.django_db

# What belongs to somebody is its owner's alone: staff have pages of their own for it.
ALL = (401, 200, 200, 200, 200)
OWNER = (401, 200, 404, 404, 404)
OWNER_MAKES = (401, 201, 404, 404, 404)
DESK = (401, 403, 403, 200, 200)
DESK_MAKES = (401, 403, 403, 201, 201)

EXPECTED = {
    "list_accounts": ALL,
    "get_an_account": OWNER,
    "change_an_account": OWNER,
    "convert_money": OWNER_MAKES,
    "deposit_money": OWNER_MAKES,
    "get_the_limits_of_an_account": OWNER,
    "get_a_statement": OWNER,
    "list_transactions": OWNER,
    "withdraw_money": OWNER_MAKES,
    "list_corrections": DESK,
    "approve_a_correction": DESK,
    "decline_a_correction": DESK,
    "list_events": OWNER,
    "list_exchange_rates": ALL,
    "list_instruments": ALL,
    "list_bars": ALL,
    "list_corporate_actions": ALL,
    "get_a_quote": ALL,
    "list_markets": ALL,
    "list_orders": ALL,
    "place_an_order": (401, 201, 201, 400, 400),  # the desk has no portfolio to trade in
    "get_an_order": OWNER,
    "replace_an_order": OWNER,
    "cancel_an_order": OWNER,
    "explain_an_order": OWNER,
    "preview_an_order": (401, 200, 200, 400, 400),
    "get_a_portfolio": OWNER,
    "change_a_portfolio": OWNER,
    "list_lots": OWNER,
    "list_positions": OWNER,
    "list_trades": ALL,
    "get_a_trade": OWNER,
    "ask_for_an_adjustment": DESK_MAKES,
    "ask_for_a_bust": DESK_MAKES,
    "execute_an_order_by_hand": DESK_MAKES,
}
THERE = {each.id: each for each in operations()}
NAMING = [each for each in operations() if "_id}" in each.path or each.id == "list_events"]


@pytest.fixture
def stage():
    with staged() as made:
        yield made


def test_every_operation_has_a_row():
    assert set(EXPECTED) == set(THERE)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_each_role_is_answered(stage: Stage, name: str):
    found = {}
    for role in ROLES:
        with undone():
            found[role] = ask(stage.client(role), THERE[name], stage.places).status_code
    assert found == dict(zip(ROLES, EXPECTED[name], strict=True))


def told(response) -> tuple[int, dict]:
    return response.status_code, {**response.json(), "request_id": ""}


@pytest.mark.parametrize("each", NAMING, ids=lambda each: each.id)
def test_what_is_somebody_elses_is_answered_as_if_it_were_not_there(stage: Stage, each: Documented):
    client = stage.client("other")
    absent = {**dict.fromkeys(stage.places, NOWHERE), "symbol": "ABC"}
    foreign = ask(client, each, stage.places)
    assert told(foreign) == told(ask(client, each, absent))
    assert foreign.status_code in {403, 404}


@pytest.mark.parametrize("name", ["place_an_order", "preview_an_order"])
@pytest.mark.parametrize("what", ["portfolio_id", "lots"])
def test_a_body_that_names_what_is_somebody_elses(stage: Stage, name: str, what: str):
    client = stage.client("other")
    theirs = str(stage.owner.portfolio.id), str(stage.owner.portfolio.lots.first().id)
    answers = []
    for portfolio_id, lot_id in (theirs, (NOWHERE, NOWHERE)):
        more = {
            "portfolio_id": {"portfolio_id": portfolio_id},
            "lots": {"side": "sell", "lots": [{"lot_id": lot_id, "quantity": "10"}]},
        }[what]
        body = {"symbol": "ABC", "side": "buy", "type": "market", "quantity": "10", **more}
        with undone():
            answer = client.post(THERE[name].path, body, content_type="application/json")
        answers.append((answer.status_code, answer.content.replace(lot_id.encode(), b"")))
    bodies = [_without_request(content) for _, content in answers]
    assert bodies[0] == bodies[1]
    assert answers[0][0] == answers[1][0]


def _without_request(content: bytes) -> str:
    return content.decode().rpartition('"request_id"')[0]
