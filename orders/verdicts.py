"""Every check of an order with its limit, its value and whether it passed: what a preview shows.

Pure. The rules alone judge (orders/rules.py); the checks only add the numbers of what passed. So
each error fails exactly one check, and what no check has numbers for stands with the error's own.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bengi.errors import BengiError, Malformed, Unavailable
from orders.checks import Check, passed_checks, standing_checks
from orders.facts import Facts


class Verdict(NamedTuple):
    """One check. limit and value are text, None where the rule names none; limit may be a range."""

    code: str
    field: str | None
    limit: str | list[str] | None
    value: str | None
    passed: bool


def verdicts(facts: Facts, errors: Sequence[BengiError]) -> list[Verdict]:
    """Return the checks of an order; errors is what check_order() says of the same facts.

    Of a ticket whose shape is wrong no price can be told, so only its account, its instrument and
    the errors are. While trading is halted nothing else has been judged.
    """
    if any(isinstance(error, Unavailable) for error in errors):
        return [*_unchecked(errors)]
    is_readable = not any(isinstance(error, Malformed) for error in errors)
    checks = passed_checks(facts) if is_readable else standing_checks(facts)
    left = list(errors)
    found = [_judged(check, left) for check in checks]
    return [*found, *_unchecked(left)]


_OF_CHECKS: dict[tuple[str, str | None], tuple[str, str]] = {
    ("forbidden", None): ("account_frozen", "account"),
    ("account_frozen", None): ("account_frozen", "account"),
    ("invalid_trail", "trail_price"): ("invalid_trail", "stop_price"),
    ("invalid_trail", "trail_percent"): ("invalid_trail", "stop_price"),
    **{
        (code, "notional"): (code, "quantity")
        for code in ("max_notional", "max_quantity", "insufficient_funds", "insufficient_position")
    },
}
"""Errors that name another field than the check they fail."""


def _judged(check: Check, errors: list[BengiError]) -> Verdict:
    """Return the check as failed by one of errors, which is taken out, or as passed."""
    for error in errors:
        if _fails(error, check):
            errors.remove(error)
            return Verdict(*check, passed=False)
    return Verdict(*check, passed=True)


def _fails(error: BengiError, check: Check) -> bool:
    code, field = _OF_CHECKS.get((error.code, error.field), (error.code, error.field))
    if code != check.code:
        return False
    return field == check.field if field else str(error.details.get("limit")) == check.limit


def _unchecked(errors: Sequence[BengiError]) -> Iterator[Verdict]:
    for error in errors:
        details = error.details
        limit, value = details.get("limit", details.get("available")), details.get("value")
        value = details.get("needed") if value is None else value
        yield Verdict(error.code, error.field, limit, value, passed=False)
