"""Filters of lists on pages: plain forms of GET, whose values are those that the API takes.

What is wrong is told beside its field, kept as it was typed, and not looked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from bengi.inputs import YEARS
from bengi.plain_forms import PlainForm
from bengi.writing import long_day

Choices = Sequence[tuple[str, str]]


class FilterForm(PlainForm):
    """A filter; from and to are days in UTC, both included. Everything may be left out.

    first: fields that stand in front, whose choices are known only now.
    """

    def __init__(
        self,
        asked: QueryDict | Mapping[str, str],
        *,
        first: Mapping[str, forms.Field] | None = None,
    ) -> None:
        super().__init__(asked)
        self.fields = {**(first or {}), **self.fields}
        for name, label in (("from", "From (UTC)"), ("to", "To (UTC)")):
            self.fields[name] = DayField(label=label)
        self.is_valid()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("from"), values.get("to")
        if since and until and until < since:
            self.add_error("to", "It is before the first day.")
        return values

    @property
    def query(self) -> dict[str, Any]:
        """What is looked for, as the API's own forms read it: None where nothing is said."""
        return {name: self.cleaned_data.get(name) or None for name in self.fields}

    @property
    def is_narrow(self) -> bool:
        """Whether anything is looked for at all."""
        return any(self.query.values())

    @property
    def words(self) -> str:
        """What is looked for, as a line of paper says it; days in UTC."""
        since, until = self.query["from"], self.query["to"]
        if since and until:
            days = f"{long_day(since)} to {long_day(until)} (UTC)"
        else:
            days = f"from {long_day(since)} (UTC)" if since else ""
            days = f"to {long_day(until)} (UTC)" if until else days
        return ", ".join(filter(None, [days or "all days", *self._words_beside_days()]))

    def _words_beside_days(self) -> Iterator[str]:
        for name, value in self.query.items():
            if value and name not in {"from", "to"}:
                field = self.fields[name]
                names = dict(getattr(field, "choices", ()))
                yield f"{field.label}: {names.get(str(value), value)}"

    def address(self, **more: str) -> str:
        """Return what is looked for as the API's parameters."""
        return urlencode({**{name: str(v) for name, v in self.query.items() if v}, **more})


class ChoiceFilter(forms.ChoiceField):
    """One of a few words, or all of them."""

    def __init__(self, choices: Choices, *, label: str, every: str | None = None) -> None:
        first = [] if every is None else [("", every)]
        wrong = {"invalid_choice": "Choose one of the list."}
        named = [*first, *((str(value), words) for value, words in choices)]
        super().__init__(choices=named, label=label, required=False, error_messages=wrong)


class SymbolFilter(forms.CharField):
    """A symbol, in whatever letters."""

    def __init__(self) -> None:
        super().__init__(max_length=16, required=False, label="Symbol")

    def clean(self, value: Any) -> str:
        return str(super().clean(value)).upper()


class DayField(forms.DateField):
    """A day as a browser writes it, of the years that the API takes."""

    def __init__(self, *, label: str) -> None:
        wrong = {"invalid": "Write a day, such as 2026-03-31."}
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            error_messages=wrong,
            widget=forms.DateInput(attrs={"type": "date"}),
        )

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day is not None and day.year not in YEARS:
            words = f"Write a day of the years {YEARS[0]} to {YEARS[-1]}."
            raise forms.ValidationError(words)
        return day
