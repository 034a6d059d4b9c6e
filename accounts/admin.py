"""The staff's view of money: rates to keep, the ledger to read, corrections to ask for in twos."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.adjustments import approve, check_reversible, request_adjustment, request_reversal
from accounts.commission import read_tiers
from accounts.models import (
    Account,
    FeeSchedule,
    FxRate,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerEntry,
    LedgerTransaction,
    RegulatoryRate,
)
from accounts.services import check_amount, set_realism
from bengi import clock
from bengi.errors import BengiError, Malformed
from bengi.money import MINOR_UNITS
from bengi.terms import CommissionKind, Realism


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that services write and nobody edits."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccountForm(forms.ModelForm):
    """Only how the street trades with the account's next orders."""

    class Meta:
        model = Account
        fields = ["realism"]


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts to look at; their realism profile may be set."""

    form = AccountForm
    list_display = ["name", "user", "base_currency", "kind", "status", "realism", "created_at"]
    list_filter = ["status", "realism"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email"]
    fields = ["user", "name", "base_currency", "kind", "status", "fee_schedule", "realism"]
    readonly_fields = ["user", "name", "base_currency", "kind", "status", "fee_schedule"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Any = request.user
        set_realism(obj.pk, Realism(obj.realism), by=by, now=clock.now())


@admin.register(FxRate)
class FxRateAdmin(admin.ModelAdmin):
    """Rates are kept by hand; a conversion takes the newest of its pair and notes it."""

    list_display = ["base", "quote", "rate", "as_of", "source"]
    list_filter = ["base", "quote"]
    ordering = ["base", "quote", "-as_of"]


class EntryInline(admin.TabularInline):
    model = LedgerEntry
    fields = ["book", "account", "currency", "amount"]
    readonly_fields = ["book", "account", "currency", "amount"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "kind", "account", "description", "reference"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["reference", "account__user__email"]
    ordering = ["-id"]
    inlines = [EntryInline]


@admin.register(GoodFaithViolation)
class GoodFaithViolationAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "account", "amount", "currency", "bought_by", "sold_by"]
    list_select_related = ["account"]
    search_fields = ["account__user__email"]


class AdjustmentForm(forms.ModelForm):
    """Either an amount in a currency, or the transaction to take back."""

    class Meta:
        model = LedgerAdjustment
        fields = ["account", "currency", "amount", "reverses", "reason"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        amount, original = values.get("amount"), values.get("reverses")
        if (amount is None) == (original is None):
            raise ValidationError("Name either an amount or a transaction to take back.")
        try:
            if original is not None:
                check_reversible(original)
            elif amount is not None:
                _check_currency(values.get("currency", ""))
                check_amount(abs(amount), values["currency"])
        except BengiError as error:
            raise ValidationError(error.detail) from error
        if original is not None and original.account != values.get("account"):
            raise ValidationError("The transaction is of another account.")
        return values


def _check_currency(code: str) -> None:
    if code not in MINOR_UNITS:
        raise Malformed("invalid_field", f"Name one of {', '.join(MINOR_UNITS)}.", field="currency")


@admin.register(LedgerAdjustment)
class LedgerAdjustmentAdmin(admin.ModelAdmin):
    """One of staff asks by adding a row; another approves it from the list."""

    form = AdjustmentForm
    list_display = [
        "requested_at",
        "account",
        "amount",
        "currency",
        "reverses",
        "reason",
        "requested_by",
        "approved_by",
        "approved_at",
    ]
    list_filter = [("approved_by", admin.EmptyFieldListFilter)]
    list_select_related = ["account", "reverses", "requested_by", "approved_by"]
    raw_id_fields = ["account", "reverses"]
    search_fields = ["reason", "account__user__email"]
    actions = ["approve_selected"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Ask for what the form says; the row is written by the service, with its event."""
        by: Any = request.user
        now, reason = clock.now(), obj.reason
        if obj.reverses_id is not None:
            made = request_reversal(by, obj.reverses_id, reason=reason, now=now)
        else:
            made = request_adjustment(
                by, obj.account_id, obj.amount, obj.currency, reason=reason, now=now
            )
        obj.pk = made.pk

    @admin.action(description="Approve and post what a colleague has asked for")
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[LedgerAdjustment]) -> None:
        """Approve each by itself; one that is refused says why and stops no other."""
        by: Any = request.user
        for row in queryset.order_by("requested_at"):
            try:
                approve(row.id, by, now=clock.now())
            except BengiError as error:
                self.message_user(request, f"{row.reason}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{row.reason}: posted.", messages.SUCCESS)


class DatedAdmin(admin.ModelAdmin):
    """Rows that count from a day on: another day is another row, and what was stays as it was."""

    ordering = ["code", "-effective_from"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FeeScheduleForm(forms.ModelForm):
    """Numbers that the formulas can work with: none negative, tiers that rise."""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("rate", "per_share", "minimum", "maximum_rate"):
            if (values.get(name) or 0) < 0:
                self.add_error(name, "It cannot be negative.")
        if values.get("tiers") or values.get("kind") == CommissionKind.TIERED:
            try:
                read_tiers(values.get("tiers"))
            except ValueError as error:
                self.add_error("tiers", str(error))
        return values


@admin.register(FeeSchedule)
class FeeScheduleAdmin(DatedAdmin):
    """Commission by code and day; orders keep the row they were accepted under."""

    form = FeeScheduleForm
    list_display = ["code", "effective_from", "name", "kind"]
    list_filter = ["code"]


@admin.register(RegulatoryRate)
class RegulatoryRateAdmin(DatedAdmin):
    """Fees of US sales by code and day."""

    list_display = ["code", "effective_from", "per_million", "per_share", "cap"]
    list_filter = ["code"]
