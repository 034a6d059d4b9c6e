"""Forms of coming in, of how pages look, and of moving money."""

from decimal import Decimal
from typing import Any

from django import forms

from bengi.discreet import refusal
from bengi.errors import BengiError
from bengi.filters import ChoiceFilter, FilterForm
from bengi.money import MINOR_UNITS
from bengi.plain_forms import PlainForm
from bengi.terms import LedgerKind
from bengi.typed import read_number

THEMES = ["", "light", "dark"]
UPDOWNS = ["", "red-up", "blue-orange"]


class SignInForm(PlainForm):
    """E-mail and password."""

    email = forms.EmailField(
        label="E-mail", error_messages={"required": "Write the e-mail address you signed up with."}
    )
    password = forms.CharField(
        strip=False, max_length=256, error_messages={"required": "Write your password."}
    )


class SignUpForm(PlainForm):
    """What a new trader tells about themselves."""

    name = forms.CharField(
        max_length=120, error_messages={"required": "Write the name to greet you with."}
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={
            "required": "Write your e-mail address.",
            "invalid": "This is not an e-mail address.",
        },
    )
    password = forms.CharField(
        strip=False, max_length=256, error_messages={"required": "Choose a password."}
    )


class AppearanceForm(PlainForm):
    """Colours of the pages. theme "other" turns to the other one of light and dark."""

    theme = forms.ChoiceField(required=False, choices=[(t, t) for t in (*THEMES, "other")])
    updown = forms.ChoiceField(required=False, choices=[(u, u) for u in UPDOWNS])


CURRENCIES = [(code, code) for code in sorted(MINOR_UNITS)]


class AmountField(forms.Field):
    """An amount in plain digits; whether it fits its currency is the service's word."""

    def to_python(self, value: Any) -> Decimal | None:
        text = str(value or "").strip()
        if not text:
            return None
        return read_number(text, example="250.00")


class MoneyForm(PlainForm):
    """What every movement of money needs. key is made with the page: sent twice, it moves once."""

    amount = AmountField(error_messages={"required": "Write how much."})
    key = forms.CharField(max_length=64)

    names = {"from": "source", "to": "target"}
    """What the rules call the fields that are called otherwise here."""
    _asked: dict[str, Any] | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """What of the form is known: what was sent and could be read, or what it begins with."""
        if not self.is_bound:
            return dict(self.initial)
        return self.cleaned_data if self._asked is None else self._asked

    def refuse(self, error: BengiError) -> None:
        """Say beside the field at fault why the money did not move."""
        self._asked = dict(self.cleaned_data)
        field = self.names.get(error.field or "", error.field)
        self.add_error(field if field in self.fields else "amount", refusal(error))


class MoveForm(MoneyForm):
    """A deposit or a withdrawal."""

    currency = forms.ChoiceField(choices=CURRENCIES)


class ConvertForm(MoneyForm):
    """One currency for another. target_amount is there once it has been shown: then it is meant."""

    source = forms.ChoiceField(choices=CURRENCIES)
    target = forms.ChoiceField(choices=CURRENCIES)
    target_amount = AmountField(required=False)


KIND_WORDS = {
    LedgerKind.DEPOSIT: "Deposit",
    LedgerKind.WITHDRAWAL: "Withdrawal",
    LedgerKind.TRADE: "Trade",
    LedgerKind.COMMISSION: "Commission",
    LedgerKind.FEE: "Fee",
    LedgerKind.DIVIDEND: "Dividend",
    LedgerKind.WITHHOLDING: "Withholding tax",
    LedgerKind.CASH_IN_LIEU: "Cash in lieu",
    LedgerKind.FX: "Conversion",
    LedgerKind.ADJUSTMENT: "Adjustment",
    LedgerKind.REVERSAL: "Reversal",
}
"""What pages call the kinds of movements."""


class StatementFilter(FilterForm):
    """What of the statement is looked at."""

    kind = ChoiceFilter(list(KIND_WORDS.items()), label="Kind", every="All kinds")

    def __init__(self, asked: Any, currencies: list[str]) -> None:
        named = [(code, code) for code in currencies]
        super().__init__(asked, first={"currency": ChoiceFilter(named, label="Currency")})
