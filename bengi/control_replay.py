"""The part of the replay that is about control: realism, limits, halts, instruments' status."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account
from bengi.terms import InstrumentStatus, Realism
from instruments.models import Instrument
from orders.halts import halt_payload
from orders.limits import limits_payload
from orders.models import RiskLimits, TradingHalt


@dataclass(slots=True)
class FoldedControls:
    """Each by its id, as the events tell it."""

    realism: dict[str, str] = field(default_factory=dict)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    halts: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)


def fold_controls(
    state: FoldedControls, event_type: str, payload: dict[str, Any], stream_id: str
) -> bool:
    """Carry state forward by one event about control; say whether it was one."""
    if event_type == "account.updated":
        state.realism[stream_id] = payload["realism"]
    elif event_type == "account.limits_changed":
        state.limits[stream_id] = payload["limits"]
    elif event_type in {"trading.halted", "trading.resumed"}:
        state.halts[payload["halt"]["id"]] = payload["halt"]
    elif event_type.startswith("instrument."):
        state.statuses[payload["instrument_id"]] = payload["status"]
    else:
        return False
    return True


def folded_control_lines(state: FoldedControls) -> Iterator[str]:
    """Yield what the events tell, one line per row; what everything starts as is left out."""
    for account_id, realism in state.realism.items():
        if realism != Realism.REALISTIC:
            yield f"realism {account_id} {realism}"
    for instrument_id, status in state.statuses.items():
        if status != InstrumentStatus.ACTIVE:
            yield f"instrument {instrument_id} {status}"
    yield from (_line("limits", each) for each in state.limits.values())
    yield from (_line("halt", each) for each in state.halts.values())


def table_control_lines() -> Iterator[str]:
    """Yield what the tables hold, in the same lines."""
    accounts = Account.objects.exclude(realism=Realism.REALISTIC)
    for account_id, realism in accounts.values_list("id", "realism"):
        yield f"realism {account_id} {realism}"
    instruments = Instrument.objects.exclude(status=InstrumentStatus.ACTIVE)
    for instrument_id, status in instruments.values_list("id", "status"):
        yield f"instrument {instrument_id} {status}"
    yield from (_line("limits", limits_payload(row)) for row in RiskLimits.objects.iterator())
    yield from (_line("halt", halt_payload(row)) for row in TradingHalt.objects.iterator())


def _line(kind: str, row: dict[str, Any]) -> str:
    return f"{kind} " + " ".join(f"{key}={row[key]}" for key in sorted(row))
