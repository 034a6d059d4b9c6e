"""Staff's view of trades and of corporate actions: whatever one asks for, another approves."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.models import User
from bengi import clock
from bengi.admin_pages import ActsOnRows, AddOnlyAdmin, ReadOnlyAdmin, RefusableAdmin, exact
from bengi.errors import BengiError
from bengi.terms import (
    CorporateActionKind,
    CorporateActionStatus,
    CorrectionKind,
    TradeKind,
)
from instruments.admin import InstrumentAdmin
from instruments.listing import Values
from instruments.models import CorporateAction, Instrument
from portfolios.models import DividendEntitlement, PositionSplit
from trades.corporate.previews import preview
from trades.corporate.proposals import (
    Proposal,
    approve_action,
    cancel_action,
    check_proposals,
    propose,
)
from trades.corporate.terms import ActionTerms
from trades.corrections import (
    CORRECT,
    approve,
    ask_adjust,
    ask_bust,
    check_askable,
    decline,
)
from trades.listings import correct_instruments
from trades.models import SetAside, Trade, TradeCorrection
from trades.setting_aside.admin import SetAsideAdmin

admin.site.register(SetAside, SetAsideAdmin)

_TERMS = [each.name for each in fields(ActionTerms)]
_OPEN = (CorporateActionStatus.PROPOSED, CorporateActionStatus.APPROVED)


@admin.register(Instrument)
class ListedInstrumentAdmin(InstrumentAdmin):
    """Instruments, of which the grid stays while orders and holdings stand on it."""

    def correct(self, changes: Mapping[UUID, Values], **who: Any) -> None:
        correct_instruments(changes, **who)


class CorporateActionForm(forms.ModelForm):
    """A split or a dividend, with every reason why it cannot be beside the field at fault."""

    class Meta:
        model = CorporateAction
        fields = ["instrument", *_TERMS]
        help_texts = {
            "ratio_to": "A split of 7 for 1 gives 7 new shares for 1 old one.",
            "cash_in_lieu_price": "A new share's, for fractions; empty: the last price before.",
            "withholding_rate": "A share from 0 to 1; empty: the rate of the exchange's country.",
            "ex_date": "Counts from the start of this day where the exchange is.",
            "external_id": "Names the action once and for all, as in an imported file.",
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        errors = check_proposals([self.proposal()], clock.now())[0]
        for error in errors:
            self.add_error(error.field, ValidationError(error.detail))
        return values

    def proposal(self) -> Proposal:
        """Return what the form says, once its fields can be read."""
        values = {name: self.cleaned_data[name] for name in _TERMS}
        values["kind"] = CorporateActionKind(values["kind"])
        return Proposal(self.cleaned_data["instrument"], ActionTerms(**values))


@admin.register(CorporateAction)
class CorporateActionAdmin(AddOnlyAdmin, ActsOnRows):
    """Adding a row asks for an action; another of staff approves it from the list."""

    form = CorporateActionForm
    list_display = [
        "ex_date",
        "instrument",
        "kind",
        "terms",
        "pay_date",
        "status",
        "entered_by",
        "approved_by_whom",
        "preview_link",
    ]
    list_filter = ["status", "kind"]
    list_select_related = ["instrument"]
    search_fields = ["instrument__symbol", "external_id", "note"]
    date_hierarchy = "ex_date"
    ordering = ["-ex_date", "-id"]
    actions = ["approve_selected", "cancel_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CorporateAction]:
        """Return the rows with the addresses of who entered and who approved them."""

        def address(of: str) -> Subquery:
            return Subquery(User.objects.filter(id=OuterRef(of)).values("email")[:1])

        found = super().get_queryset(request)
        return found.annotate(entered=address("requested_by"), agreed=address("approved_by"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Propose what the form says; the row is written by the service, with its event."""
        by: Any = request.user
        proposal = form.proposal()
        obj.pk = propose(by, proposal.instrument, proposal.terms, now=clock.now()).pk

    @admin.display(description="entered by")
    def entered_by(self, obj: Any) -> str:
        return obj.entered or "?"

    @admin.display(description="approved by")
    def approved_by_whom(self, obj: Any) -> str:
        return obj.agreed or "-"

    @admin.display(description="preview")
    def preview_link(self, obj: CorporateAction) -> str:
        if obj.status not in _OPEN:
            return "-"
        address = reverse("admin:corporate_action_preview", args=[obj.pk])
        return format_html('<a href="{}">What it would do</a>', address)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.show_preview)
        own = path("<uuid:action_id>/preview/", view, name="corporate_action_preview")
        return [own, *super().get_urls()]

    def show_preview(self, request: HttpRequest, action_id: UUID) -> HttpResponse:
        """Show what an action would do to every account; nothing is written."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = CorporateAction.objects.select_related("instrument")
        action = rows.filter(id=action_id).first()
        if action is None:
            raise Http404("There is no such corporate action.")
        try:
            shown = preview(action, clock.now())
        except BengiError as error:
            raise Http404(error.detail) from error
        context = {
            **self.admin_site.each_context(request),
            "title": "Preview",
            "preview": shown,
            "currency": action.currency or action.instrument.currency,
        }
        return render(request, "trades/admin_preview.html", context)

    @admin.action(description="Approve what a colleague has entered", permissions=["change"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[CorporateAction]) -> None:
        self._do(request, queryset, approve_action, "approved")

    @admin.action(description="Cancel before it is applied", permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[CorporateAction]) -> None:
        self._do(request, queryset, cancel_action, "canceled")

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[CorporateAction],
        act: Callable[..., CorporateAction],
        done: str,
    ) -> None:
        rows = queryset.select_related("instrument").order_by("ex_date", "id")
        self.each(request, rows, lambda row: act(row.id, request.user, now=clock.now()), done)

    def words_of(self, row: CorporateAction) -> str:
        return f"{row.instrument.symbol} {row}"


@admin.register(PositionSplit)
class PositionSplitAdmin(ReadOnlyAdmin):
    """What splits have done to positions."""

    list_display = [
        "action",
        "portfolio",
        exact("quantity_before"),
        exact("quantity_after"),
        exact("cash_in_lieu"),
    ]
    list_filter = ["action__kind", "action__ex_date"]
    list_select_related = ["action", "portfolio"]
    search_fields = ["action__instrument__symbol", "portfolio__account__user__email"]


@admin.register(DividendEntitlement)
class DividendEntitlementAdmin(ReadOnlyAdmin):
    """Who is paid which dividend, and what of it is withheld."""

    list_display = [
        *(
            "action",
            "portfolio",
            exact("quantity"),
            exact("gross_amount"),
            exact("withheld_amount"),
            "currency",
        ),
        "paid_at",
    ]
    list_select_related = ["action", "portfolio"]
    list_filter = [("paid_at", admin.EmptyFieldListFilter), "currency"]
    search_fields = ["action__instrument__symbol", "portfolio__account__user__email"]


Decide = Callable[..., TradeCorrection]

KINDS: dict[TradeKind, dict[str, Any]] = {
    TradeKind.EXECUTION: {"busts": None, "corrects": None},
    TradeKind.BUST: {"busts__isnull": False},
    TradeKind.CORRECTION: {"corrects__isnull": False},
}


class KindFilter(admin.SimpleListFilter):
    """Executions, busts or corrections."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(kind), str(kind)) for kind in KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Trade]) -> QuerySet[Trade]:
        value = self.value()
        return queryset.filter(**KINDS[TradeKind(value)]) if value in set(KINDS) else queryset


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    """Trades never change; what is wrong with one is asked for from here."""

    list_display = [
        "executed_at",
        "kind",
        "account",
        "instrument",
        "side",
        exact("quantity"),
        exact("price"),
        exact("net_amount"),
        "currency",
        "liquidity",
        "standing",
    ]
    list_filter = [KindFilter, "side", "liquidity", "executed_at", "instrument__mic"]
    list_select_related = ["account", "instrument", "busted_by"]
    search_fields = [
        *("exec_id", "match_id", "order__id", "account__user__email", "instrument__symbol"),
    ]
    search_help_text = "exec_id, match, order, symbol or the owner's e-mail address"
    ordering = ["-exec_id"]

    @admin.display(description="Correction")
    def standing(self, trade: Trade) -> str:
        """Say that a trade was busted, or lead to where its correction is asked for."""
        if trade.bust is not None:
            return "busted"
        if trade.kind == TradeKind.BUST:
            return ""
        address = reverse("admin:trades_tradecorrection_add")
        return format_html('<a href="{}?trade={}">Bust or adjust</a>', address, trade.exec_id)


class CorrectionForm(forms.ModelForm):
    """Which trade, what is to become of it, and why."""

    class Meta:
        model = TradeCorrection
        fields = ["trade", "kind", "price", "quantity", "reason"]
        help_texts = {
            "price": "Of an adjustment; empty: as it was.",
            "quantity": "Of an adjustment, fewer than the trade's; empty: as it was.",
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        trade = values.get("trade")
        if trade is None or "kind" not in values:
            return values
        asked = TradeCorrection(
            trade=trade,
            kind=values["kind"],
            price=values.get("price"),
            quantity=values.get("quantity"),
        )
        try:
            check_askable(asked)
        except BengiError as error:
            raise ValidationError(error.detail) from error
        return values


@admin.register(TradeCorrection)
class TradeCorrectionAdmin(RefusableAdmin, ActsOnRows):
    """One of staff asks by adding a row; another approves it from the list, or declines."""

    form = CorrectionForm
    list_display = [
        "requested_at",
        "kind",
        "trade",
        exact("price"),
        exact("quantity"),
        "reason",
        "requested_by",
        "outcome",
        "decided_by",
        "decided_at",
    ]
    list_filter = ["outcome", "kind", "requested_at"]
    list_select_related = ["trade", "requested_by", "decided_by"]
    raw_id_fields = ["trade"]
    search_fields = ["reason", "trade__exec_id", "trade__account__user__email"]
    actions = ["approve_selected", "decline_selected"]
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _may_correct(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_correct(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _may_correct(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and _may_correct(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Ask for what the form says; the row is written by the service, with its event."""
        by: Any = request.user
        asked: dict[str, Any] = {"reason": obj.reason, "now": clock.now()}
        if obj.kind == CorrectionKind.BUST:
            obj.pk = ask_bust(by, obj.trade_id, **asked).pk
        else:
            terms = {"price": obj.price, "quantity": obj.quantity}
            obj.pk = ask_adjust(by, obj.trade_id, **terms, **asked).pk

    @admin.action(
        description="Approve and book what a colleague has asked for", permissions=["change"]
    )
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[TradeCorrection]) -> None:
        """Approve each by itself; one that is refused says why and stops no other."""
        self._decide(request, queryset, approve, "booked")

    @admin.action(description="Decline", permissions=["change"])
    def decline_selected(self, request: HttpRequest, queryset: QuerySet[TradeCorrection]) -> None:
        """Decline each by itself."""
        self._decide(request, queryset, decline, "declined")

    def _decide(
        self, request: HttpRequest, rows: QuerySet[TradeCorrection], act: Decide, done: str
    ) -> None:
        by: Any = request.user
        ordered = rows.order_by("id")
        self.each(request, ordered, lambda row: act(row.id, by, now=clock.now()), done)

    def words_of(self, row: TradeCorrection) -> str:
        return row.reason


def _may_correct(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.has_perm(CORRECT))
