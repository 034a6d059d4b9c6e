"""The part of the replay that is about corporate actions: what was agreed, and what it did."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from instruments.corporate_actions import action_payload
from instruments.models import CorporateAction
from portfolios.models import DividendEntitlement, LotSplit, PositionSplit
from trades.corporate.dividends import entitlement_payload
from trades.corporate.holdings import lot_split_payload, split_payload


@dataclass(slots=True)
class FoldedActions:
    """Actions and entitlements by id as they stand last; splits of positions and lots."""

    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    dividends: dict[str, dict[str, Any]] = field(default_factory=dict)
    positions: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)


def fold_action(state: FoldedActions, event_type: str, payload: dict[str, Any]) -> bool:
    """Carry state forward by one event about an action or a dividend; say whether it was one."""
    if event_type.startswith("corporate_action."):
        state.actions[payload["action"]["id"]] = payload["action"]
    elif event_type.startswith("dividend."):
        state.dividends[payload["dividend"]["id"]] = payload["dividend"]
    else:
        return False
    return True


def fold_split(
    state: FoldedActions,
    payload: dict[str, Any],
    holdings: dict[tuple[str, str], Decimal],
    lots: dict[str, dict[str, Any]],
    closings: dict[str, dict[str, Any]],
) -> None:
    """Carry holdings, lots and closings forward by one portfolio.split_applied."""
    split = payload["split"]
    state.positions.append(split)
    state.lots += [each | {"split_id": split["id"]} for each in payload["lots"]]
    holdings[split["portfolio_id"], split["instrument_id"]] = Decimal(split["quantity_after"])
    shifts = [(each["lot_id"], each["shift"]) for each in payload["lots"]]
    shifts += [(each["lot_id"], each["cost"]) for each in payload["shifts"]]
    for lot_id, cost in shifts:
        lots[lot_id]["cost"] += Decimal(cost)
        lots[lot_id]["shift"] += Decimal(cost)
    for each in payload["lots"]:
        lots[each["lot_id"]]["quantity"] = Decimal(each["remaining_after"])
    for closing in payload["closings"]:
        closings[closing["id"]] = closing | {"trade_id": split["id"]}
        lots[closing["lot_id"]]["quantity"] -= Decimal(closing["quantity"])
        lots[closing["lot_id"]]["cost"] -= Decimal(closing["cost"])


def folded_action_lines(state: FoldedActions) -> Iterator[str]:
    """Yield what the events tell, one line per row."""
    yield from (_line("action", each) for each in state.actions.values())
    yield from (_line("dividend", each) for each in state.dividends.values())
    yield from (_line("position split", each) for each in state.positions)
    yield from (_line("lot split", each) for each in state.lots)


def table_action_lines() -> Iterator[str]:
    """Yield what the tables hold, in the same lines."""
    for action in CorporateAction.objects.iterator():
        yield _line("action", action_payload(action))
    for row in DividendEntitlement.objects.iterator():
        yield _line("dividend", entitlement_payload(row))
    for split in PositionSplit.objects.select_related("action").iterator():
        yield _line("position split", split_payload(split))
    for each in LotSplit.objects.iterator():
        yield _line("lot split", lot_split_payload(each) | {"split_id": str(each.split_id)})


def _line(kind: str, values: dict[str, Any]) -> str:
    return f"{kind} " + " ".join(f"{key}={values[key]}" for key in sorted(values))
