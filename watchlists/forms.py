"""The forms of watchlists, and the one that sets a price alert."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bengi.discreet import refusal
from bengi.errors import BengiError
from bengi.plain_forms import PlainForm
from bengi.terms import AlertKind
from bengi.typed import read_number
from watchlists.models import WISHES
from watchlists.serializers import NOTE_LENGTH_MAX, SYMBOL_LENGTH_MAX

KINDS = [(kind, words.capitalize()) for kind, words in WISHES.items()]
LIST_NAME_LENGTH_MAX = 80
SEARCH_LENGTH_MAX = 40
_FIELDS = {"symbols": "symbol", "price": "level", "percent": "level"}
"""What the service calls a field, and what the form does."""


class ListForm(PlainForm):
    """What somebody calls a list."""

    name = forms.CharField(
        max_length=LIST_NAME_LENGTH_MAX, error_messages={"required": "Write a name for the list."}
    )

    def clean_name(self) -> str:
        """Return the name, of printable characters alone, as the API takes it."""
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError("Write printable characters only.")
        return name

    def refuse(self, error: BengiError) -> None:
        """Say beside the field why there is no such list."""
        self.add_error("name", refusal(error))


class SymbolForm(PlainForm):
    """A symbol to watch: what was typed, or what was picked among those found."""

    symbol = forms.CharField(
        max_length=SEARCH_LENGTH_MAX, error_messages={"required": "Write a symbol."}
    )

    def refuse(self, error: BengiError) -> None:
        """Say beside the field why the symbol was not added."""
        self.add_error("symbol", refusal(error))


class LevelField(forms.Field):
    """A price, or percent, in plain digits and above zero."""

    def to_python(self, value: Any) -> Decimal | None:
        text = str(value or "").strip().removesuffix("%").rstrip()
        if not text:
            return None
        level = read_number(text, example="150.00")
        if not level:
            raise ValidationError("Write a number above zero.")
        return level


class AlertForm(PlainForm):
    """What somebody wants to be told of. level is a percent for a change, else a price."""

    symbol = forms.CharField(
        max_length=SYMBOL_LENGTH_MAX, error_messages={"required": "Write a symbol."}
    )
    kind = forms.ChoiceField(choices=KINDS)
    level = LevelField(error_messages={"required": "Write a price, or a percent."})
    note = forms.CharField(max_length=NOTE_LENGTH_MAX, required=False)

    def terms(self) -> dict[str, Any]:
        """Return a valid form's values by the names of set_alert()."""
        values = self.cleaned_data
        kind = AlertKind(values["kind"])
        is_change = kind is AlertKind.PERCENT_CHANGE
        return {
            "symbol": values["symbol"],
            "kind": kind,
            "price": None if is_change else values["level"],
            "percent": values["level"] if is_change else None,
            "note": values["note"],
        }

    def refuse(self, error: BengiError) -> None:
        """Say beside the field at fault why the alert was not set."""
        self.add_error(_FIELDS.get(error.field or "", error.field) or "level", refusal(error))
