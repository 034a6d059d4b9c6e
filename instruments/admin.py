"""Staff's view: instruments may be corrected and halted, single days overridden, data looked at."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from bengi import clock
from bengi.admin_pages import (
    ActsOnRows,
    ReadOnlyAdmin,
    ReasonForm,
    RefusableAdmin,
    exact,
    reason_of,
)
from bengi.terms import InstrumentStatus
from instruments.calendar import MICS, SpecialDay
from instruments.days import override_day, restore_days
from instruments.halts import change_status
from instruments.listing import CORRECTABLE, FIXED, LABELS, TERMS, list_instrument
from instruments.models import (
    Bar,
    CalendarDay,
    CalendarOverride,
    Instrument,
    QuarantinedTick,
    Quote,
)


class InstrumentForm(forms.ModelForm):
    """An instrument on an exchange whose hours are known."""

    mic = forms.ChoiceField(choices=[(mic, mic) for mic in MICS], label="Exchange (MIC)")

    class Meta:
        model = Instrument
        fields = [
            *("symbol", "name", "mic", "type", "currency"),
            *("tick_size", "quantity_step", "exchange_step", "has_feed", "sector"),
        ]


class InstrumentAdmin(RefusableAdmin, ActsOnRows):
    """A symbol and its exchange are for good: orders and bars hang on them.

    Halted, nothing of it fills from the next look of the engine on. Who knows of orders, and what
    stands on an instrument, registers it with a correct() of theirs.
    """

    correct: Callable[..., Any]
    """Corrects instruments by id, unless something stands on what would change."""
    form = InstrumentForm
    action_form = ReasonForm
    actions = ["halt_selected", "resume_selected", "delist_selected"]
    list_display = [
        "symbol",
        "name",
        "mic",
        "type",
        "currency",
        exact("tick_size"),
        exact("quantity_step"),
        "status",
        "has_feed",
        "sector",
    ]
    list_filter = ["status", "mic", "type", "currency", "has_feed", "sector"]
    search_fields = ["symbol", "name"]
    ordering = ["symbol", "mic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else [*FIXED]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """List or correct what the form says; the row is written by the service, with its event."""
        who: dict[str, Any] = {"by": request.user, "now": clock.now()}
        if change:
            values = {name: getattr(obj, name) for name in (*CORRECTABLE, *LABELS)}
            self.correct({obj.pk: values}, **who)
        else:
            values = {name: getattr(obj, name) for name in (*TERMS, *LABELS)}
            obj.pk = list_instrument(values, **who).pk

    def has_halt_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("instruments.halt_instrument"))

    @admin.action(description="Halt (with a reason)", permissions=["halt"])
    def halt_selected(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._set(request, queryset, InstrumentStatus.HALTED)

    @admin.action(description="Resume (with a reason)", permissions=["halt"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._set(request, queryset, InstrumentStatus.ACTIVE)

    @admin.action(description="Delist (with a reason)", permissions=["change"])
    def delist_selected(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._set(request, queryset, InstrumentStatus.DELISTED)

    def _set(
        self, request: HttpRequest, rows: QuerySet[Instrument], status: InstrumentStatus
    ) -> None:
        user: Any = request.user
        reason = reason_of(request)

        def act(row: Instrument) -> bool:
            now = clock.now()
            return change_status(row.id, status, by=user, reason=reason, now=now)

        self.each(request, rows.order_by("symbol", "mic"), act, str(status))


class MarketDataAdmin(ReadOnlyAdmin):
    """Rows that only the feed writes."""

    list_select_related = ["instrument"]
    search_fields = ["instrument__symbol", "instrument__name"]


@admin.register(Quote)
class QuoteAdmin(MarketDataAdmin):
    list_display = [
        "instrument",
        exact("bid"),
        exact("bid_size"),
        exact("ask"),
        exact("ask_size"),
        exact("last"),
        exact("day_volume"),
        "as_of",
        "source",
    ]
    list_filter = ["source", "instrument__mic"]
    ordering = ["instrument__symbol"]


@admin.register(Bar)
class BarAdmin(MarketDataAdmin):
    list_display = [
        "instrument",
        "interval",
        "starts_at",
        exact("open"),
        exact("high"),
        exact("low"),
        exact("close"),
        exact("volume"),
    ]
    list_filter = ["interval"]
    ordering = ["-id"]


@admin.register(QuarantinedTick)
class QuarantinedTickAdmin(MarketDataAdmin):
    """What the feed said and nobody believed."""

    list_display = ["quarantined_at", "instrument", "reason"]
    list_filter = ["quarantined_at"]


@admin.register(CalendarDay)
class CalendarDayAdmin(ReadOnlyAdmin):
    """What the exchanges published; `manage.py import_calendar` writes it, overrides correct it."""

    list_display = [
        "date",
        "mic",
        "opens",
        "closes",
        "break_starts",
        "break_ends",
        "note",
        "source",
    ]
    list_filter = ["mic"]
    search_fields = ["mic", "note", "date"]
    date_hierarchy = "date"
    ordering = ["-date", "mic"]


class OverrideForm(forms.ModelForm):
    """One day of one exchange, on its own clock; a day without times has no trading."""

    mic = forms.ChoiceField(choices=[(mic, mic) for mic in MICS], label="Exchange (MIC)")

    class Meta:
        model = CalendarOverride
        fields = ["mic", "date", "opens", "closes", "break_starts", "break_ends", "note"]
        help_texts = {
            "opens": "On the exchange's own clock, in UTC where the market never closes. "
            "Leave it and the close empty for a day without trading.",
        }


@admin.register(CalendarOverride)
class CalendarOverrideAdmin(RefusableAdmin):
    """Staff's word on a day. It counts within seconds; day orders expire by the new hours."""

    form = OverrideForm
    list_display = ["date", "mic", "opens", "closes", "break_starts", "break_ends", "note"]
    list_filter = ["mic"]
    search_fields = ["mic", "note", "date"]
    date_hierarchy = "date"
    ordering = ["-date", "mic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["mic", "date"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        special = SpecialDay(obj.opens, obj.closes, obj.break_starts, obj.break_ends, note=obj.note)
        by: Any = request.user
        obj.pk = override_day(obj.mic, obj.date, special, by=by, now=clock.now()).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        by: Any = request.user
        restore_days([obj], by=by, now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        by: Any = request.user
        restore_days(queryset, by=by, now=clock.now())
