"""The checks of an order as a person reads them: what is checked, the limit, the value."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bengi import writing
from bengi.numerals import HIDDEN, quantity

LABELS: dict[tuple[str, str], str] = {
    ("account_frozen", "account"): "The account must be",
    ("symbol_halted", "symbol"): "The instrument must be",
    ("invalid_tick", "limit_price"): "Limit price in steps of",
    ("invalid_tick", "stop_price"): "Stop price in steps of",
    ("invalid_tick", "trail_price"): "Trail in steps of",
    ("invalid_step", "quantity"): "Quantity in steps of",
    ("max_quantity", "quantity"): "Quantity at most",
    ("max_notional", "quantity"): "Value at most",
    ("too_many_open_orders", "symbol"): "Open orders of this side here at most",
    ("too_many_open_orders", "account"): "Open orders in all at most",
    ("stale_quote", "type"): "The quote must be",
    ("invalid_trail", "stop_price"): "The stop must start above",
    ("price_collar", "limit_price"): "Limit price within",
    ("insufficient_position", "quantity"): "Shares to sell at most",
    ("insufficient_funds", "quantity"): "Cash to reserve at most",
}
"""What is asked of an order by each check of orders/checks.py, by code and field; its limit
follows."""

_OWN_LIMITS = {"insufficient_funds"}
_OWN_VALUES = {"insufficient_funds", "max_notional"}
"""The checks that tell an amount of money of one's own, as what is allowed or as what it is."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check: label and limit say what is asked, value what this order has."""

    label: str
    limit: str
    value: str
    passed: bool


def check_lines(checks: list[dict[str, Any]]) -> list[CheckLine]:
    """Return checks as lines of a table. A check that has no words yet is called by its code."""
    return [_line(check) for check in checks]


def _line(check: Mapping[str, Any]) -> CheckLine:
    code = str(check["code"])
    label = LABELS.get((code, str(check["field"])), code.replace("_", " ").capitalize())
    limit, value = _written(check["limit"]), _written(check["value"])
    if writing.current().is_discreet:
        limit = HIDDEN if code in _OWN_LIMITS else limit
        value = HIDDEN if code in _OWN_VALUES else value
    return CheckLine(label, limit, value, check.get("passed", True))


def _written(value: Any) -> str:
    """Write a limit or a value: a range, a number with its thousands apart, a word as it is."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " to ".join(_written(end) for end in value)
    try:
        return quantity(Decimal(value))
    except InvalidOperation:
        return str(value)
