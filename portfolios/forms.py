"""What the portfolio page is asked to show: a period or days, and an instrument beside it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from bengi.errors import NotFound
from bengi.numerals import quantity
from bengi.plain_forms import PlainForm
from instruments.models import Instrument
from instruments.selectors import instrument_by_symbol
from portfolios.analytics.periods import PERIODS, first_day
from portfolios.kept import Span
from portfolios.performance import DAYS_MAX

FIRST_PERIOD = "1Y"
YEARS = range(1901, 3000)
"""As the API's days; around others there are days that no datetime holds."""


class SpanForm(PlainForm):
    """Days of the page, by a plain GET: a period's word, or two days, which win over it.

    What is wrong is said beside its field; the page then shows FIRST_PERIOD.
    """

    period = forms.ChoiceField(required=False, choices=[(word, word) for word in PERIODS])
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    benchmark = forms.CharField(required=False, max_length=16)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        self.instrument: Instrument | None = None
        for name in ("since", "until"):
            self.fields[name].error_messages["invalid"] = "Write a day such as 2026-03-31."

    def clean_benchmark(self) -> str:
        symbol = str(self.cleaned_data["benchmark"]).upper()
        if symbol:
            try:
                self.instrument = instrument_by_symbol(symbol)
            except NotFound as error:
                raise forms.ValidationError(error.detail) from error
        return symbol

    def clean_since(self) -> date | None:
        return _day(self.cleaned_data["since"])

    def clean_until(self) -> date | None:
        return _day(self.cleaned_data["until"])

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        since, until = told.get("since"), told.get("until")
        end = min(until or self.today, self.today)
        if since and until and until < since:
            self.add_error("until", "This is before the first day.")
        elif since and (end - since).days >= DAYS_MAX:
            self.add_error("since", f"Choose at most {quantity(Decimal(DAYS_MAX))} days.")
        return told

    @property
    def word(self) -> str:
        """The period shown; empty where days are."""
        if not {"since", "until"} & self.errors.keys() and self._days != (None, None):
            return ""
        return self.cleaned_data.get("period") or FIRST_PERIOD

    @property
    def span(self) -> Span:
        if not self.word:
            return Span(*self._days)
        first = first_day(self.word, self.today)
        if first is not None:
            first = max(first, self.today - timedelta(days=DAYS_MAX - 1))
        return Span(first, None)

    @property
    def _days(self) -> tuple[date | None, date | None]:
        return self.cleaned_data.get("since"), self.cleaned_data.get("until")


def _day(day: date | None) -> date | None:
    """Return the day. Raises ValidationError for one of another year than YEARS."""
    if day is not None and day.year not in YEARS:
        raise forms.ValidationError(f"Choose a day from {YEARS[0]} to {YEARS[-1]}.")
    return day
