"""Staff's view of corporate actions: one enters, another looks at what it would do and approves."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.admin import ReadOnlyAdmin
from accounts.models import User
from bengi import clock
from bengi.errors import BengiError
from bengi.terms import CorporateActionKind, CorporateActionStatus
from instruments.models import CorporateAction
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

_TERMS = [each.name for each in fields(ActionTerms)]
_OPEN = (CorporateActionStatus.PROPOSED, CorporateActionStatus.APPROVED)


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
class CorporateActionAdmin(admin.ModelAdmin):
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

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

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
        self._each(request, queryset, approve_action, "approved")

    @admin.action(description="Cancel before it is applied", permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[CorporateAction]) -> None:
        self._each(request, queryset, cancel_action, "canceled")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[CorporateAction],
        act: Callable[..., CorporateAction],
        done: str,
    ) -> None:
        """Do something with each by itself; one that is refused says why and stops no other."""
        for row in queryset.select_related("instrument").order_by("ex_date", "id"):
            words = f"{row.instrument.symbol} {row}"
            try:
                act(row.id, request.user, now=clock.now())
            except BengiError as error:
                self.message_user(request, f"{words}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{words}: {done}.", messages.SUCCESS)


@admin.register(PositionSplit)
class PositionSplitAdmin(ReadOnlyAdmin):
    """What splits have done to positions."""

    list_display = ["action", "portfolio", "quantity_before", "quantity_after", "cash_in_lieu"]
    list_select_related = ["action", "portfolio"]
    search_fields = ["action__instrument__symbol", "portfolio__account__user__email"]


@admin.register(DividendEntitlement)
class DividendEntitlementAdmin(ReadOnlyAdmin):
    """Who is paid which dividend, and what of it is withheld."""

    list_display = [
        *("action", "portfolio", "quantity", "gross_amount", "withheld_amount", "currency"),
        "paid_at",
    ]
    list_select_related = ["action", "portfolio"]
    list_filter = [("paid_at", admin.EmptyFieldListFilter)]
    search_fields = ["action__instrument__symbol", "portfolio__account__user__email"]
