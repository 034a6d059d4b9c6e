"""Staff's hand on trading: the kill switch, and how far single accounts may go."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bengi import clock
from bengi.admin_pages import (
    ActsOnRows,
    AddOnlyAdmin,
    ReadOnlyAdmin,
    ReasonForm,
    RefusableAdmin,
    brief,
    exact,
    reason_of,
)
from orders.halts import halt_trading, resume_trading
from orders.limits import COLLARS, SETTABLE, set_limits
from orders.models import Order, RiskLimits, TradingHalt
from orders.services import CANCEL, request_cancel_by_staff


class HaltForm(forms.ModelForm):
    """Whom to stop and why; without an account, everybody."""

    cancel_orders = forms.BooleanField(
        required=False,
        label="Cancel open orders",
        help_text="Ask every open order to go as well. Otherwise they go on working.",
    )

    class Meta:
        model = TradingHalt
        fields = ["account", "reason"]
        help_texts = {
            "account": "Leave it empty to stop everybody.",
            "reason": "Traders read it with every order that is refused. End it with a full stop.",
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        standing = TradingHalt.objects.filter(lifted_at__isnull=True)
        if standing.filter(account=values.get("account")).exists():
            self.add_error("account", "Trading is halted already.")
        return values


@admin.register(TradingHalt)
class TradingHaltAdmin(AddOnlyAdmin, ActsOnRows):
    """A row added is the switch thrown; an action lifts it. The rows stay."""

    form = HaltForm
    list_display = ["halted_at", "account", "reason", "halted_by", "lifted_at", "lifted_by"]
    list_filter = [("lifted_at", admin.EmptyFieldListFilter), "halted_at"]
    list_select_related = ["account", "halted_by", "lifted_by"]
    raw_id_fields = ["account"]
    search_fields = ["reason", "account__user__email"]
    actions = ["lift_selected"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Any = request.user
        made = halt_trading(
            by,
            reason=obj.reason,
            account_id=obj.account_id,
            cancel_orders=form.cleaned_data["cancel_orders"],
            now=clock.now(),
        )
        obj.pk = made.pk

    @admin.action(description="Let trading go on", permissions=["change"])
    def lift_selected(self, request: HttpRequest, queryset: QuerySet[TradingHalt]) -> None:
        by: Any = request.user

        def lift(row: TradingHalt) -> bool:
            resume_trading(row.pk, by, now=clock.now())
            return row.lifted_at is None

        self.each(request, queryset.order_by("halted_at"), lift, "trading goes on")

    def words_of(self, row: TradingHalt) -> str:
        return row.reason.rstrip(".")


LIMITS_SHOWN = [
    exact(name) if name in {"max_notional", "max_quantity", *COLLARS} else name for name in SETTABLE
]


class LimitsForm(forms.ModelForm):
    """An account's own limits; what is left empty is everybody's."""

    reason = forms.CharField(max_length=180, help_text="It stands in the account's log.")

    class Meta:
        model = RiskLimits
        fields = ["account", *SETTABLE]
        help_texts = dict.fromkeys(COLLARS, "A fraction of the price, as 0.10 for 10 %.")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in SETTABLE:
            value = values.get(name)
            if value is not None and value < 0:
                self.add_error(name, "It cannot be negative.")
            elif name in COLLARS and value is not None and not 0 < value < 1:
                self.add_error(name, "It is a fraction between 0 and 1.")
        return values


@admin.register(RiskLimits)
class RiskLimitsAdmin(RefusableAdmin):
    """Limits of single accounts; everybody's stand in the code."""

    form = LimitsForm
    list_display = ["account", "owner", *LIMITS_SHOWN]
    list_filter = [
        ("max_notional", admin.EmptyFieldListFilter),
        ("collar", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["account__user"]
    raw_id_fields = ["account"]
    search_fields = ["account__user__email", "account__name"]

    @admin.display(description="owner")
    def owner(self, limits: RiskLimits) -> str:
        return limits.account.user.email

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["account"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Any = request.user
        values = {name: getattr(obj, name) for name in SETTABLE}
        reason = form.cleaned_data["reason"]
        set_limits(obj.account_id, values, by=by, reason=reason, now=clock.now())


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin, ActsOnRows):
    """Orders to look at. Only the engine closes them; staff may ask it to."""

    action_form = ReasonForm
    actions = ["cancel_selected"]
    list_display = [
        *(
            "accepted_at",
            "owner",
            "side",
            exact("quantity"),
            "instrument",
            "type",
            exact("limit_price"),
        ),
        *(
            exact("stop_price"),
            "time_in_force",
            "status",
            exact("filled_quantity"),
            brief("client_order_id", "client order id"),
        ),
    ]
    list_filter = ["status", "side", "type", "time_in_force", "instrument__mic", "accepted_at"]
    list_select_related = ["account__user", "instrument"]
    search_fields = ["id", "client_order_id", "instrument__symbol", "account__user__email"]
    search_help_text = "id, client_order_id, symbol or the owner's e-mail address"
    ordering = ["-id"]

    @admin.display(description="owner")
    def owner(self, order: Order) -> str:
        return order.account.user.email

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm(CANCEL))

    @admin.action(description="Cancel (with a reason)", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        by: Any = request.user
        reason = reason_of(request)

        def cancel(order: Order) -> None:
            request_cancel_by_staff(order.id, by, reason=reason, now=clock.now())

        self.each(request, queryset.order_by("id"), cancel, "the engine is asked to cancel it")

    def words_of(self, row: Order) -> str:
        return f"{row.side} {row.quantity.normalize():f} {row.instrument.symbol}"
