"""Who may do what: every operation of the document, asked for by everybody."""

import pytest

from tests.contract.document import Documented, operations
from tests.contract.stage import NOWHERE, ROLES, Stage, ask, staged, undone

pytestmark = pytest.mark.django_db

# What belongs to somebody is its owner's alone: staff have pages of their own for it.
ALL = (401, 200, 200, 200, 200)
ANYBODY = (200, 200, 200, 200, 200)
MAKES = (401, 201, 201, 201, 201)
ENDS = (401, 204, 204, 204, 204)
MAIL = (202, 202, 202, 202, 202)
OWNER = (401, 200, 404, 404, 404)
OWNER_MAKES = (401, 201, 404, 404, 404)
OWNER_ENDS = (401, 204, 404, 404, 404)
DESK = (401, 403, 403, 200, 200)
DESK_MAKES = (401, 403, 403, 201, 201)

EXPECTED = {
    "list_accounts": ALL,
    "open_an_account": MAKES,
    "get_an_account": OWNER,
    "change_an_account": OWNER,
    "convert_money": OWNER_MAKES,
    "preview_a_conversion": OWNER,
    "deposit_money": OWNER_MAKES,
    "get_the_limits_of_an_account": OWNER,
    "reset_an_account": OWNER_MAKES,
    "get_a_statement": OWNER,
    "get_the_statement_of_a_period": OWNER,
    "list_transactions": OWNER,
    "withdraw_money": OWNER_MAKES,
    "list_alerts": ALL,
    "set_an_alert": MAKES,
    "get_an_alert": OWNER,
    "change_an_alert": OWNER,
    "delete_an_alert": OWNER_ENDS,
    "register": MAIL,
    "sign_in": ANYBODY,
    "refresh_tokens": ANYBODY,
    "sign_out": ENDS,
    "sign_out_everywhere": ENDS,
    "change_the_password": ENDS,
    "get_the_address": ALL,
    "change_the_address": (401, 202, 202, 202, 202),
    "keep_the_address": ENDS,
    "get_the_profile": ALL,
    "change_the_profile": ALL,
    "verify_an_address": ANYBODY,
    "ask_for_a_password_reset": MAIL,
    "confirm_a_password_reset": (204, 204, 204, 204, 204),
    "list_sessions": ALL,
    "end_all_sessions": ENDS,
    "end_a_session": OWNER_ENDS,
    "get_the_second_factor": ALL,
    "turn_on_the_second_factor": (401, 200, 200, 409, 200),  # the dealer has one,
    "turn_off_the_second_factor": (401, 400, 400, 204, 400),  # and a code
    "renew_the_recovery_codes": (401, 400, 400, 200, 400),
    "list_api_keys": ALL,
    "create_an_api_key": MAKES,
    "revoke_an_api_key": OWNER_ENDS,
    "list_corrections": DESK,
    "approve_a_correction": DESK,
    "decline_a_correction": DESK,
    "list_events": OWNER,
    "list_exchange_rates": ALL,
    "list_instruments": ALL,
    "list_an_instrument": (401, 403, 403, 403, 201),
    "search_instruments": ALL,
    "get_an_instrument": ALL,
    "correct_an_instrument": (401, 403, 403, 403, 200),
    "list_bars": ALL,
    "list_corporate_actions": ALL,
    "get_a_quote": ALL,
    "list_markets": ALL,
    "list_movers": ALL,
    "list_notifications": ALL,
    "mark_notifications_read": OWNER,
    "list_orders": ALL,
    "place_an_order": (401, 201, 201, 400, 400),  # the desk has no portfolio to trade in
    "place_several_orders": ALL,
    "get_an_order": OWNER,
    "replace_an_order": OWNER,
    "cancel_an_order": OWNER,
    "cancel_all_orders": OWNER,
    "explain_an_order": OWNER,
    "list_the_trades_of_an_order": OWNER,
    "preview_an_order": (401, 200, 200, 400, 400),
    "list_portfolios": ALL,
    "open_a_portfolio": (401, 201, 201, 400, 400),
    "get_a_portfolio": OWNER,
    "write_a_portfolio": OWNER,
    "change_a_portfolio": OWNER,
    "delete_a_portfolio": (401, 404, 204, 404, 404),  # it is the other's, who has not traded
    "get_the_allocation_of_a_portfolio": OWNER,
    "get_the_history_of_a_portfolio": OWNER,
    "get_the_performance_of_a_portfolio": OWNER,
    "list_lots": OWNER,
    "list_positions": OWNER,
    "get_the_summary_of_a_portfolio": OWNER,
    "get_a_position": OWNER,
    "close_a_position": OWNER_MAKES,
    "get_the_statistics_of_the_stream": DESK,
    "list_trades": ALL,
    "get_the_summary_of_trades": OWNER,
    "get_a_trade": OWNER,
    "ask_for_an_adjustment": DESK_MAKES,
    "ask_for_a_bust": DESK_MAKES,
    "execute_an_order_by_hand": DESK_MAKES,
    "list_watchlists": ALL,
    "create_a_watchlist": MAKES,
    "get_a_watchlist": OWNER,
    "write_a_watchlist": OWNER,
    "delete_a_watchlist": OWNER_ENDS,
    "add_a_symbol_to_a_watchlist": OWNER,
    "remove_a_symbol_from_a_watchlist": OWNER_ENDS,
}
THERE = {each.id: each for each in operations()}
ELSEWHERE = {"list_events", "get_the_summary_of_trades", "cancel_all_orders"}
"""What names an account in its query or its body."""
NAMING = [each for each in operations() if "_id}" in each.path or each.id in ELSEWHERE]


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
    client = stage.client("owner" if each.id == "delete_a_portfolio" else "other")
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
    return content.decode().partition('"request_id"')[0]
