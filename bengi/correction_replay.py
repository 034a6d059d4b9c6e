"""The part of the replay that is about corrections: what staff asked for, and what busts undo."""

from collections.abc import Iterator
from typing import Any

from trades.models import TradeCorrection
from trades.payloads import correction_payload

FoldedCorrections = dict[str, dict[str, Any]]
"""Correction id -> the correction, as the events tell it."""


def fold_correction(state: FoldedCorrections, payload: dict[str, Any]) -> None:
    """Carry state forward by one correction.requested, .approved or .declined."""
    state[payload["correction"]["id"]] = payload["correction"]


def folded_correction_lines(state: FoldedCorrections) -> Iterator[str]:
    """Yield what the events tell, one line per row."""
    yield from (_line(values) for values in state.values())


def table_correction_lines() -> Iterator[str]:
    """Yield what the table holds, in the same lines."""
    yield from (_line(correction_payload(row)) for row in TradeCorrection.objects.iterator())


def _line(values: dict[str, Any]) -> str:
    return "correction " + " ".join(f"{name}={values[name]}" for name in sorted(values))
