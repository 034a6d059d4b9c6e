"""Staff's view: instruments may be corrected and halted, single days overridden, data looked at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from bengi import clock
from bengi.terms import InstrumentStatus
from instruments.calendar import MICS, SpecialDay
from instruments.days import override_day, restore_days
from instruments.halts import set_status
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
            "symbol",
            "name",
            "mic",
            "type",
            "currency",
            "tick_size",
            "quantity_step",
            "exchange_step",
            "status",
            "has_feed",
            "shard",
        ]


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin):
    """A symbol and its exchange are for good: orders and bars hang on them."""

    form = InstrumentForm
    list_display = [
        "symbol",
        "name",
        "mic",
        "type",
        "currency",
        "tick_size",
        "quantity_step",
        "status",
        "has_feed",
    ]
    list_filter = ["status", "mic", "type", "currency", "has_feed"]
    search_fields = ["symbol", "name"]
    ordering = ["symbol", "mic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["symbol", "mic", "currency", "shard"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what is corrected; whether it may be traded changes by the service, with its event.

        Halted, nothing of it fills from the next look of the engine on.
        """
        wanted, obj.status = obj.status, form.initial.get("status", InstrumentStatus.ACTIVE)
        super().save_model(request, obj, form, change)
        obj.status = set_status(obj.pk, wanted, by=str(request.user.pk), now=clock.now()).status


class MarketDataAdmin(admin.ModelAdmin):
    """Rows that only the feed writes."""

    list_select_related = ["instrument"]
    search_fields = ["instrument__symbol", "instrument__name"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Quote)
class QuoteAdmin(MarketDataAdmin):
    list_display = [
        "instrument",
        "bid",
        "bid_size",
        "ask",
        "ask_size",
        "last",
        "day_volume",
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
        "open",
        "high",
        "low",
        "close",
        "volume",
    ]
    list_filter = ["interval"]
    ordering = ["-id"]


@admin.register(QuarantinedTick)
class QuarantinedTickAdmin(MarketDataAdmin):
    """What the feed said and nobody believed."""

    list_display = ["quarantined_at", "instrument", "reason"]
    list_filter = ["quarantined_at"]


@admin.register(CalendarDay)
class CalendarDayAdmin(admin.ModelAdmin):
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
    date_hierarchy = "date"
    ordering = ["-date", "mic"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
class CalendarOverrideAdmin(admin.ModelAdmin):
    """Staff's word on a day. It counts within seconds; day orders expire by the new hours."""

    form = OverrideForm
    list_display = ["date", "mic", "opens", "closes", "break_starts", "break_ends", "note"]
    list_filter = ["mic"]
    date_hierarchy = "date"
    ordering = ["-date", "mic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["mic", "date"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        special = SpecialDay(obj.opens, obj.closes, obj.break_starts, obj.break_ends, note=obj.note)
        by, now = str(request.user.pk), clock.now()
        obj.pk = override_day(obj.mic, obj.date, special, by=by, now=now).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        restore_days([obj], by=str(request.user.pk), now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        restore_days(queryset, by=str(request.user.pk), now=clock.now())
