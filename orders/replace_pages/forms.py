"""The form of a replace: an order's own values, of which some are written anew."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict

from bengi.discreet import refusal
from bengi.errors import BengiError
from bengi.plain_forms import PlainForm
from bengi.terms import OrderType, TimeInForce
from bengi.typed import in_field
from orders.forms import TIMES, PlainDecimalField, Problem
from orders.models import Order
from orders.rules import PRICES_OF

FIELDS = ("quantity", "limit_price", "stop_price", "trail_price", "trail_percent", "time_in_force")
_MAY_BE_EMPTY = ("trail_price", "trail_percent")
_TIMES = {TimeInForce.DAY, TimeInForce.GTC}


class ReplaceForm(PlainForm):
    """Those fields that may change of an order: of a leg only its prices.

    A field that is not sent stays as it is, and comes back as it is. client_order_id is hidden:
    the review brings it.
    """

    quantity = PlainDecimalField(required=False)
    limit_price = PlainDecimalField(required=False)
    stop_price = PlainDecimalField(required=False)
    trail_price = PlainDecimalField(required=False)
    trail_percent = PlainDecimalField(required=False)
    time_in_force = forms.ChoiceField(required=False)
    client_order_id = forms.CharField(max_length=128, required=False)

    def __init__(self, order: Order, data: QueryDict | None = None) -> None:
        own = _values(order)
        self.sent = frozenset(data or ())
        super().__init__(None if data is None else {**own, **dict(data.items())}, initial=own)
        self.order = order
        for name in set(FIELDS) - set(_shown(order)):
            del self.fields[name]
        if "time_in_force" in self.fields:
            kept = _TIMES | {TimeInForce(order.time_in_force)}
            choices = [(value, label) for value, label in TIMES if value in kept]
            self.fields["time_in_force"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in set(self.fields) & self.sent - {*_MAY_BE_EMPTY, "client_order_id"}:
            if values.get(name) in (None, "") and name not in self.errors:
                self.add_error(name, "Write how many." if name == "quantity" else "Write a price.")
        return values

    @property
    def changes(self) -> dict[str, Any]:
        """What of a valid form is different from the order."""
        found = {
            name: self.cleaned_data[name]
            for name in FIELDS
            if name in self.fields
            and name in self.sent
            and self.cleaned_data[name] != getattr(self.order, name)
        }
        return {name: value for name, value in found.items() if value is not None}

    def refuse(self, errors: Iterable[BengiError]) -> None:
        """Put the rules' reasons beside their fields."""
        for error in errors:
            field = error.field if error.field in self.fields else None
            self.add_error(field, refusal(error))

    @property
    def problems(self) -> list[Problem]:
        """Everything wrong, in the order of the fields."""
        found = [Problem(str(text)) for text in self.non_field_errors()]
        for name, texts in self.errors.items():
            if name != "__all__":
                label = name.replace("_", " ").capitalize()
                found += [Problem(str(text), f"replace-{name}", label) for text in texts]
        return found


def _shown(order: Order) -> tuple[str, ...]:
    """Return the fields that may change of an order, by its type and its place in a group."""
    if order.type == OrderType.TRAILING_STOP:
        prices: tuple[str, ...] = _MAY_BE_EMPTY
    else:
        prices = tuple(PRICES_OF[OrderType(order.type)])
    if order.leg:
        return prices
    return ("quantity", *prices) if order.group_id else ("quantity", *prices, "time_in_force")


def _values(order: Order) -> dict[str, str]:
    found = {name: getattr(order, name) for name in FIELDS[:-1]}
    told = {name: in_field(value) for name, value in found.items() if value is not None}
    return {**told, "time_in_force": order.time_in_force}
