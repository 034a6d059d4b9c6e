"""The part of the replay that is about control: realism, limits, halts, who and what may trade.

What a fresh installation starts with, instruments and rates, has no events: of those only what
staff have listed, corrected or published is compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account, FeeSchedule, FxRate, RegulatoryRate
from accounts.published import Row, row_payload
from bengi.terms import AccountStatus, InstrumentStatus, Realism
from instruments.listing import instrument_payload
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
    accounts: dict[str, str] = field(default_factory=dict)
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)


def fold_controls(
    state: FoldedControls, event_type: str, payload: dict[str, Any], stream_id: str
) -> bool:
    """Carry state forward by one event about control; say whether it was one."""
    if event_type in {"account.updated", "account.closed"}:
        if "realism" in payload:
            state.realism[stream_id] = payload["realism"]
    elif event_type in {"account.limits_changed", "account.limits_copied"}:
        state.limits[stream_id] = payload["limits"]
    elif event_type in {"trading.halted", "trading.resumed"}:
        state.halts[payload["halt"]["id"]] = payload["halt"]
    elif event_type.startswith("instrument."):
        state.statuses[payload["instrument_id"]] = payload["status"]
        if "terms" in payload:
            state.terms[payload["instrument_id"]] = payload["terms"]
    elif event_type in {"account.frozen", "account.released"}:
        state.accounts[stream_id] = payload["status"]
    elif event_type == "rate.published":
        state.published[payload["id"]] = payload
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
    for account_id, status in state.accounts.items():
        if status == AccountStatus.FROZEN:
            yield f"account {account_id} {status}"
    for instrument_id, terms in state.terms.items():
        yield _line(f"terms {instrument_id}", terms)
    yield from (_published(each) for each in state.published.values())
    yield from (_line("limits", each) for each in state.limits.values())
    yield from (_line("halt", each) for each in state.halts.values())


def table_control_lines(state: FoldedControls) -> Iterator[str]:
    """Yield what the tables hold, in the same lines."""
    yield from _table_terms(state)
    frozen = Account.objects.filter(status=AccountStatus.FROZEN)
    for account_id, status in frozen.values_list("id", "status"):
        yield f"account {account_id} {status}"
    accounts = Account.objects.exclude(realism=Realism.REALISTIC)
    for account_id, realism in accounts.values_list("id", "realism"):
        yield f"realism {account_id} {realism}"
    instruments = Instrument.objects.exclude(status=InstrumentStatus.ACTIVE)
    for instrument_id, status in instruments.values_list("id", "status"):
        yield f"instrument {instrument_id} {status}"
    yield from (_line("limits", limits_payload(row)) for row in RiskLimits.objects.iterator())
    yield from (_line("halt", halt_payload(row)) for row in TradingHalt.objects.iterator())


def _table_terms(state: FoldedControls) -> Iterator[str]:
    """Yield the instruments and rates that staff have had a word on, as they stand."""
    for instrument in Instrument.objects.filter(id__in=state.terms):
        yield _line(f"terms {instrument.id}", instrument_payload(instrument))
    models: tuple[type[Row], ...] = (FeeSchedule, RegulatoryRate, FxRate)
    for model in models:
        for row in model.objects.filter(id__in=state.published):
            yield _published(row_payload(row))


def _published(told: dict[str, Any]) -> str:
    return _line(f"{told['kind']} {told['id']}", told["values"])


def _line(kind: str, row: dict[str, Any]) -> str:
    return f"{kind} " + " ".join(f"{key}={row[key]}" for key in sorted(row))
