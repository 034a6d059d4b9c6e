"""What is said of a corporate action when it is entered, and whether it makes sense. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from bengi.errors import Malformed
from bengi.money import MINOR_UNITS, QUANTUM
from bengi.terms import CorporateActionKind
from instruments.splits import RATIO_MAX

_OF_SPLITS = ("ratio_to", "ratio_from", "cash_in_lieu_price")
_OF_DIVIDENDS = ("amount", "currency", "withholding_rate", "pay_date")


@dataclass(frozen=True, slots=True)
class ActionTerms:
    """An action as entered. withholding_rate None: the rate of the exchange's country."""

    kind: CorporateActionKind
    ex_date: date
    ratio_to: int | None = None
    ratio_from: int | None = None
    cash_in_lieu_price: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""
    withholding_rate: Decimal | None = None
    record_date: date | None = None
    pay_date: date | None = None
    external_id: str | None = None
    note: str = ""


def check_terms(terms: ActionTerms, quantity_step: Decimal) -> list[Malformed]:
    """Return all that is wrong with the terms, each with its field; empty when nothing is."""
    is_split = terms.kind is not CorporateActionKind.CASH_DIVIDEND
    strangers = _OF_DIVIDENDS if is_split else _OF_SPLITS
    errors = [
        _wrong(f"A {terms.kind.replace('_', ' ')} has no such field.", field)
        for field in strangers
        if getattr(terms, field) not in {None, ""}
    ]
    errors += _ratio(terms, quantity_step) if is_split else _dividend(terms)
    return errors


def _ratio(terms: ActionTerms, quantity_step: Decimal) -> Iterator[Malformed]:
    new, old = terms.ratio_to, terms.ratio_from
    if new is None or old is None or not (0 < new <= RATIO_MAX and 0 < old <= RATIO_MAX):
        detail = f"A split gives 1 to {RATIO_MAX} new shares for 1 to {RATIO_MAX} old ones."
        yield _wrong(detail, "ratio_to")
        return
    is_reverse = terms.kind is CorporateActionKind.REVERSE_SPLIT
    if new == old or is_reverse != (new < old):
        fewer = "fewer" if is_reverse else "more"
        yield _wrong(f"A {terms.kind.replace('_', ' ')} leaves {fewer} shares.", "ratio_to")
    if Fraction(quantity_step) * new / old < Fraction(QUANTUM):
        yield _wrong("The smallest holding would become less than 1e-8 shares.", "ratio_to")
    if terms.cash_in_lieu_price is not None and terms.cash_in_lieu_price <= 0:
        yield _wrong("A price must be above zero.", "cash_in_lieu_price")


def _dividend(terms: ActionTerms) -> Iterator[Malformed]:
    if terms.amount is None or terms.amount <= 0:
        yield _wrong("A dividend is more than nothing a share.", "amount")
    if terms.currency not in MINOR_UNITS:
        yield _wrong(f"Name one of {', '.join(MINOR_UNITS)}.", "currency")
    rate = terms.withholding_rate
    if rate is not None and not 0 <= rate <= 1:
        yield _wrong("A rate is a share, from 0 to 1.", "withholding_rate")
    if terms.pay_date is None or terms.pay_date < terms.ex_date:
        yield _wrong("A dividend is paid on its ex-date or later.", "pay_date")
    elif terms.record_date is not None and terms.record_date > terms.pay_date:
        yield _wrong("Holders are recorded before they are paid.", "record_date")


def _wrong(detail: str, field: str) -> Malformed:
    return Malformed("invalid_field", detail, field=field)
