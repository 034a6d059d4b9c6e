"""What staff cannot do: execute, correct, take back, let an issuer do."""

from collections.abc import Callable
from datetime import date
from typing import Any

from accounts.adjustments import approve as approve_cash
from accounts.adjustments import request_reversal
from accounts.models import LedgerAdjustment, LedgerTransaction
from bengi.terms import CorporateActionKind
from instruments.models import CorporateAction
from orders.models import Order
from tests.contract.refusals import Act, provokes
from tests.contract.stage import Stage, staff
from trades.corporate.due import apply_due
from trades.corporate.proposals import approve_action, cancel_action, propose
from trades.corporate.terms import ActionTerms
from trades.corrections import ask_bust
from trades.models import Trade
from trades.tests.corporate_stage import MIDNIGHT, split
from trades.tests.desk import fills_of

JSON = "application/json"


def execute(stage: Stage, order: Order, quantity: str, price: str) -> Act:
    """Return how to execute an order by hand."""
    body = {"order_id": str(order.id), "quantity": quantity, "price": price, "reason": "Phone"}
    client, headers = stage.client("dealer"), {"Idempotency-Key": "by-hand"}
    path = "/api/v1/trades/execute"
    return lambda: client.post(path, body, content_type=JSON, headers=headers)


def desk(stage: Stage, path: str, **body: Any) -> Any:
    return stage.client("dealer").post(f"/api/v1/{path}", body, content_type=JSON)


def bust(stage: Stage, trade: Trade) -> Any:
    return desk(stage, f"trades/{trade.exec_id}/bust", reason="Wrong price")


def approving(stage: Stage, trade: Trade) -> Act:
    """Ask for a bust and return how to approve it."""
    by = stage.users["admin"]
    assert by is not None
    asked = ask_bust(by, trade.exec_id, reason="Wrong price", now=stage.world.now)
    return lambda: desk(stage, f"corrections/{asked.id}/approve")


def decide(stage: Stage, what: str) -> Any:
    return desk(stage, f"corrections/{stage.asked.id}/{what}")


# -- by hand


@provokes("order_not_executable")
def _(stage: Stage) -> Act:
    return execute(stage, stage.bought.order, "1", "9.75")


@provokes("price_beyond_limit")
def _(stage: Stage) -> Act:
    return execute(stage, stage.working, "1", "9.90")


@provokes("quantity_above_leaves")
def _(stage: Stage) -> Act:
    return execute(stage, stage.working, "101", "9.75")


@provokes("quantity_below_leaves")
def _(stage: Stage) -> Act:
    """A fill-or-kill order that waits for a fresh quote."""
    world = stage.world
    world.now = world.now.replace(minute=5)
    abc = stage.working.instrument
    waiting = world.place(stage.owner, abc, "buy", 10, limit="10.00", tif="fok")
    assert waiting.status == "new"
    return execute(stage, waiting, "9", "10.00")


# -- corrections


@provokes("second_person_needed")
def _(stage: Stage) -> Act:
    client = stage.client("dealer")
    client.force_login(stage.asked.requested_by)
    path = f"/api/v1/corrections/{stage.asked.id}/approve"
    return lambda: client.post(path, {}, content_type=JSON)


@provokes("correction_pending")
def _(stage: Stage) -> Act:
    return lambda: bust(stage, stage.asked.trade)


@provokes("already_approved")
def _(stage: Stage) -> Act:
    assert decide(stage, "approve").status_code == 200
    return lambda: decide(stage, "approve")


@provokes("already_declined")
def _(stage: Stage) -> Act:
    assert decide(stage, "decline").status_code == 200
    return lambda: decide(stage, "approve")


@provokes("already_busted")
def _(stage: Stage) -> Act:
    assert decide(stage, "approve").status_code == 200
    return lambda: bust(stage, stage.asked.trade)


@provokes("not_bustable")
def _(stage: Stage) -> Act:
    assert decide(stage, "approve").status_code == 200
    made = Trade.objects.get(busts=stage.asked.trade)
    return lambda: bust(stage, made)


@provokes("quantity_above_trade")
def _(stage: Stage) -> Act:
    path = f"trades/{stage.sold.exec_id}/adjust"
    return lambda: desk(stage, path, quantity="100", reason="More")


@provokes("lot_in_use")
def _(stage: Stage) -> Act:
    return approving(stage, stage.bought)


@provokes("sold_since")
def _(stage: Stage) -> Act:
    world = stage.world
    world.place(stage.owner, stage.working.instrument, "sell", 3)
    return approving(stage, stage.sold)


@provokes("proceeds_in_use")
def _(stage: Stage) -> Act:
    world, trader = stage.world, stage.world.trader(cash="1040")
    xyz = world.instrument("XYZ", mic="XNYS")
    world.tick(xyz, "10.00", "10.00", last="10.00")
    world.place(trader, xyz, "buy", 100, limit="10.00")
    (sale,) = fills_of(world.place(trader, xyz, "sell", 100))
    world.place(trader, xyz, "buy", 30, limit="10.00")
    return approving(stage, sale)


@provokes("legs_at_work")
def _(stage: Stage) -> Act:
    world, abc = stage.world, stage.working.instrument
    entry = world.place(stage.owner, abc, "buy", 10, profit="10.80", loss="9.20")
    return approving(stage, fills_of(entry)[0])


@provokes("changed_since")
def _(stage: Stage) -> Act:
    world, trader, spl = stage.world, stage.world.trader(), stage.world.instrument("SPL")
    world.tick(spl, "9.50", "10.00", last="10.00")
    (trade,) = fills_of(world.place(trader, spl, "buy", 10))
    split(spl, 3, 1)
    apply_due(MIDNIGHT)
    world.now = MIDNIGHT
    return approving(stage, trade)


# -- the ledger


def _reverse(stage: Stage, kind: str) -> Callable[[], LedgerAdjustment]:
    """Return how to ask for the reversal of the newest movement of a kind."""
    found, one = LedgerTransaction.objects.filter(kind=kind).latest("id"), staff()
    return lambda: request_reversal(one, found.id, reason="Why", now=stage.world.now)


@provokes("not_reversible")
def _(stage: Stage) -> Act:
    return _reverse(stage, "trade")


@provokes("already_reversed")
def _(stage: Stage) -> Act:
    act = _reverse(stage, "deposit")
    approve_cash(act().id, staff(), now=stage.world.now)
    return act


# -- corporate actions


def _proposal(stage: Stage, ex_date: date) -> Callable[[], CorporateAction]:
    terms = ActionTerms(CorporateActionKind.SPLIT, ex_date, ratio_to=2, ratio_from=1)
    one, now = staff(), stage.world.now
    return lambda: propose(one, stage.working.instrument, terms, now=now)


@provokes("ex_date_has_begun")
def _(stage: Stage) -> Act:
    return _proposal(stage, date(2026, 3, 2))


@provokes("corporate_action_closed")
def _(stage: Stage) -> Act:
    action, now = _proposal(stage, date(2026, 3, 9))(), stage.world.now
    two = staff()
    cancel_action(action.id, two, now=now)
    return lambda: approve_action(action.id, two, now=now)
