"""The staff's view of money: rates to keep, the ledger to read, corrections to ask for in twos."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.adjustments import (
    approve,
    check_reversible,
    decline,
    request_adjustment,
    request_reversal,
)
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
from accounts.published import publish_row
from accounts.services import check_amount, set_realism
from accounts.standing import freeze, release
from bengi import clock
from bengi.admin_pages import (
    ActsOnRows,
    AddOnlyAdmin,
    ReadOnlyAdmin,
    ReasonForm,
    brief,
    exact,
    reason_of,
)
from bengi.errors import BengiError, Malformed
from bengi.money import MINOR_UNITS
from bengi.terms import AccountStatus, CommissionKind, Realism


class AccountForm(forms.ModelForm):
    """Only how the street trades with the account's next orders."""

    class Meta:
        model = Account
        fields = ["realism"]


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin, ActsOnRows):
    """Accounts to look at; their realism profile may be set, and they may be frozen."""

    form = AccountForm
    action_form = ReasonForm
    actions = ["freeze_selected", "release_selected"]
    list_display = ["name", "user", "base_currency", "kind", "status", "realism", "created_at"]
    list_filter = ["status", "realism", "base_currency"]
    list_select_related = ["user"]
    date_hierarchy = "created_at"
    search_fields = ["name", "user__email"]
    fields = ["user", "name", "base_currency", "kind", "status", "fee_schedule", "realism"]
    readonly_fields = ["user", "name", "base_currency", "kind", "status", "fee_schedule"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_closed = obj is not None and obj.status == AccountStatus.CLOSED
        return not is_closed and admin.ModelAdmin.has_change_permission(self, request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Any = request.user
        set_realism(obj.pk, Realism(obj.realism), by=by, now=clock.now())

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("accounts.freeze_account"))

    @admin.action(description="Freeze (with a reason)", permissions=["freeze"])
    def freeze_selected(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        asked: dict[str, Any] = {"by": request.user, "reason": reason_of(request)}
        rows = queryset.order_by("id")
        self.each(request, rows, lambda row: freeze(row.id, **asked, now=clock.now()), "frozen")

    @admin.action(description="Release (with a reason)", permissions=["freeze"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        asked: dict[str, Any] = {"by": request.user, "reason": reason_of(request)}
        rows = queryset.order_by("id")
        self.each(request, rows, lambda row: release(row.id, **asked, now=clock.now()), "released")

    def words_of(self, row: Account) -> str:
        return f"{row.user.email}, {row.name}"


class PublishedAdmin(AddOnlyAdmin):
    """Rows that count from a time on: another time is another row, and what was stays as it was."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Any = request.user
        publish_row(obj, by=by, now=clock.now())


@admin.register(FxRate)
class FxRateAdmin(PublishedAdmin):
    """A new row is a new rate; a conversion takes the newest of its pair and notes it."""

    list_display = ["base", "quote", exact("rate"), "as_of", "source"]
    list_filter = ["base", "quote"]
    date_hierarchy = "as_of"
    search_fields = ["base", "quote", "source"]
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
    list_display = ["occurred_at", "kind", "account", "description", brief("reference")]
    list_filter = ["kind", "occurred_at"]
    list_select_related = ["account"]
    search_fields = ["id", "reference", "account__user__email", "description"]
    ordering = ["-id"]
    inlines = [EntryInline]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Single legs, newest first."""

    list_display = ["posted_at", "kind", "book", "account", "currency", exact("amount")]
    list_filter = ["book", "currency", "transaction__kind"]
    list_select_related = ["transaction", "account"]
    search_fields = ["transaction__id", "transaction__reference", "account__user__email"]
    ordering = ["-id"]

    @admin.display(description="occurred at")
    def posted_at(self, entry: LedgerEntry) -> datetime:
        return entry.transaction.occurred_at

    @admin.display(description="kind")
    def kind(self, entry: LedgerEntry) -> str:
        return entry.transaction.kind


@admin.register(GoodFaithViolation)
class GoodFaithViolationAdmin(ReadOnlyAdmin):
    list_display = [
        "occurred_at",
        "account",
        exact("amount"),
        "currency",
        brief("bought_by"),
        brief("sold_by"),
    ]
    list_filter = ["currency", "occurred_at"]
    list_select_related = ["account"]
    search_fields = ["account__user__email", "account__name"]


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
class LedgerAdjustmentAdmin(AddOnlyAdmin, ActsOnRows):
    """One of staff asks by adding a row; another approves it from the list, or declines."""

    form = AdjustmentForm
    list_display = [
        "requested_at",
        "account",
        exact("amount"),
        "currency",
        "reverses",
        "reason",
        "requested_by",
        "approved_by",
        "approved_at",
        "declined_by",
    ]
    list_filter = [
        ("approved_by", admin.EmptyFieldListFilter),
        ("declined_by", admin.EmptyFieldListFilter),
        "requested_at",
    ]
    list_select_related = ["account", "reverses", "requested_by", "approved_by", "declined_by"]
    raw_id_fields = ["account", "reverses"]
    search_fields = ["reason", "account__user__email"]
    actions = ["approve_selected", "decline_selected"]

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

    @admin.action(
        description="Approve and post what a colleague has asked for", permissions=["change"]
    )
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[LedgerAdjustment]) -> None:
        """Approve each by itself; one that is refused says why and stops no other."""
        by: Any = request.user
        rows = queryset.order_by("requested_at")
        self.each(request, rows, lambda row: approve(row.id, by, now=clock.now()), "posted")

    @admin.action(description="Decline", permissions=["change"])
    def decline_selected(self, request: HttpRequest, queryset: QuerySet[LedgerAdjustment]) -> None:
        """Decline each by itself; who asked may do so too."""
        by: Any = request.user
        rows = queryset.order_by("requested_at")
        self.each(request, rows, lambda row: decline(row.id, by, now=clock.now()), "declined")


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
class FeeScheduleAdmin(PublishedAdmin):
    """Commission by code and day; orders keep the row they were accepted under."""

    form = FeeScheduleForm
    list_display = ["code", "effective_from", "name", "kind"]
    list_filter = ["code", "kind"]
    search_fields = ["code", "name"]
    ordering = ["code", "-effective_from"]


@admin.register(RegulatoryRate)
class RegulatoryRateAdmin(PublishedAdmin):
    """Fees of US sales by code and day."""

    list_display = [
        "code",
        "effective_from",
        exact("per_million"),
        exact("per_share"),
        exact("cap"),
    ]
    list_filter = ["code", "effective_from"]
    search_fields = ["code"]
    ordering = ["code", "-effective_from"]
