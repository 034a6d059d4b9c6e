"""What a client may ask of orders: the shape of a ticket and of a query, and nothing more.

The JSON of an order is orders/payloads.py; whether a ticket is acceptable, orders/rules.py.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.models import User
from bengi.errors import BengiError
from bengi.inputs import (
    DaysInput,
    FlagField,
    Input,
    MomentField,
    PositiveDecimalField,
    TextField,
    UUIDField,
    WordField,
    read_body,
)
from bengi.listing import CsvForm, FileInput, OrderingField
from bengi.money import QUANTUM, ZERO, plain, plain_or_none
from bengi.problem import as_bengi_error, entry
from bengi.terms import (
    OrderClass,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from instruments.quotes import Tick
from orders.acceptance import tick_quote
from orders.asking import KEY_LENGTH_MAX, Asked, key_of
from orders.legs import StopLoss, TakeProfit
from orders.preview import Preview
from orders.sketch import Sketch
from portfolios.lots import Pick

PICKS_MAX = 50
BATCH_MAX = 500
WHICH = ("all", "open", "closed", *OrderStatus)


class PickInput(Input):
    """One lot that a sell order names."""

    lot_id = UUIDField()
    quantity = PositiveDecimalField(code="invalid_quantity")


class PicksField(serializers.Field[Any, Any, Any, Any]):
    """A list of lots, at most PICKS_MAX."""

    form = PickInput

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "maxItems": PICKS_MAX}

    def to_internal_value(self, data: Any) -> tuple[Pick, ...]:
        if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
            raise serializers.ValidationError("Send a list of lots.", code="invalid_field")
        if len(data) > PICKS_MAX:
            detail = f"Name at most {PICKS_MAX} lots."
            raise serializers.ValidationError(detail, code="invalid_field")
        return tuple(Pick(**read_body(PickInput, each)) for each in data)


class TakeProfitInput(Input):
    """The limit leg of a group."""

    limit_price = PositiveDecimalField()


class StopLossInput(Input):
    """The stop leg of a group; the rules say which of these go together."""

    stop_price = PositiveDecimalField(default=None, allow_null=True)
    limit_price = PositiveDecimalField(default=None, allow_null=True)
    trail_price = PositiveDecimalField(default=None, allow_null=True)
    trail_percent = PositiveDecimalField(default=None, allow_null=True)


class LegField(serializers.Field[Any, Any, Any, Any]):
    """An object that form reads, as a value of make."""

    def __init__(self, form: type[Input], make: Callable[..., Any], **options: Any) -> None:
        self.form, self.make = form, make
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Send an object.", code="invalid_field")
        return self.make(**read_body(self.form, data))


class SizeField(PositiveDecimalField):
    """The quantity of an order: absent, and then 0, only where an amount is there instead."""

    def get_default(self) -> Decimal:
        asked: Any = self.parent.initial_data
        if asked.get("notional") is None:
            self.fail("required")
        return ZERO


class OrderInput(Input):
    """An order as asked for, by quantity or by amount. The rules check prices against the type."""

    symbol = TextField(max_length=16)
    side = WordField(list(Side))
    type = WordField(list(OrderType))
    time_in_force = WordField(list(TimeInForce), default=TimeInForce.DAY)
    quantity = SizeField(code="invalid_quantity", required=False)
    notional = PositiveDecimalField(code="invalid_amount", default=None, allow_null=True)
    extended_hours = FlagField(default=False)
    limit_price = PositiveDecimalField(default=None, allow_null=True)
    stop_price = PositiveDecimalField(default=None, allow_null=True)
    trail_price = PositiveDecimalField(default=None, allow_null=True)
    trail_percent = PositiveDecimalField(default=None, allow_null=True)
    expires_at = MomentField(default=None, allow_null=True)
    client_order_id = TextField(max_length=KEY_LENGTH_MAX, default=None, allow_null=True)
    portfolio_id = UUIDField(default=None, allow_null=True)
    lots = PicksField(default=())
    order_class = WordField(list(OrderClass), default=OrderClass.SIMPLE)
    take_profit = LegField(TakeProfitInput, TakeProfit, default=None, allow_null=True)
    stop_loss = LegField(StopLossInput, StopLoss, default=None, allow_null=True)
    confirm_duplicate = FlagField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["notional"] is not None and attrs["quantity"]:
            detail = ErrorDetail("Send a quantity or a notional, not both.", "invalid_quantity")
            raise serializers.ValidationError({"notional": [detail]})
        return attrs


class BatchField(serializers.Field[Any, Any, Any, Any]):
    """A list of 1 to BATCH_MAX objects; they are read one by one, later."""

    form_later = OrderInput

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 1, "maxItems": BATCH_MAX}

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
            raise serializers.ValidationError("Send a list of orders.", code="invalid_field")
        if not 1 <= len(data) <= BATCH_MAX:
            detail = f"Send 1 to {BATCH_MAX} orders."
            raise serializers.ValidationError(detail, code="invalid_field")
        return data


class ReplaceInput(Input):
    """What is to be different; what is absent stays."""

    quantity = PositiveDecimalField(code="invalid_quantity", required=False)
    limit_price = PositiveDecimalField(required=False)
    stop_price = PositiveDecimalField(required=False)
    trail_price = PositiveDecimalField(required=False)
    trail_percent = PositiveDecimalField(required=False)
    time_in_force = WordField(list(TimeInForce), required=False)
    expires_at = MomentField(required=False)
    client_order_id = TextField(max_length=KEY_LENGTH_MAX, required=False)


class OrdersInput(FileInput, DaysInput):
    """Filters of the list; all of them must hold. from and to are days of acceptance."""

    account = UUIDField(default=None)
    portfolio = UUIDField(default=None)
    status = WordField(WHICH, default="all")
    symbol = TextField(max_length=16, default=None)
    side = WordField(list(Side), default=None)
    type = WordField(list(OrderType), default=None)
    group_id = UUIDField(default=None)
    client_order_id = TextField(max_length=KEY_LENGTH_MAX, default=None)
    ordering = OrderingField(
        {
            "created": ("id",),
            "accepted_at": ("accepted_at", "id"),
            "symbol": ("instrument__symbol", "id"),
        },
        default="-created",
    )


class BatchInput(Input):
    """Orders, each as a POST of one takes it; what is wrong with one is told in its place."""

    orders = BatchField()


class CancelAllInput(Input):
    """Which open orders are to go; without any of these, all of them."""

    account_id = UUIDField(default=None, allow_null=True)
    symbol = TextField(max_length=16, default=None, allow_null=True)
    side = WordField(list(Side), default=None, allow_null=True)


class CloseInput(Input):
    """How much of a position is to be sold; all of it when nothing is said."""

    quantity = PositiveDecimalField(code="invalid_quantity", default=None, allow_null=True)
    percent = PositiveDecimalField(default=None, allow_null=True)
    client_order_id = TextField(max_length=KEY_LENGTH_MAX, default=None, allow_null=True)
    confirm_duplicate = FlagField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["quantity"] is not None and attrs["percent"] is not None:
            detail = ErrorDetail("Send a quantity or a percent, not both.", "invalid_quantity")
            raise serializers.ValidationError({"percent": [detail]})
        if attrs["percent"] is not None and attrs["percent"] > 100:
            detail = ErrorDetail("Send a percent of at most 100.", "invalid_quantity")
            raise serializers.ValidationError({"percent": [detail]})
        return attrs


class ResetInput(Input):
    """What the fresh account starts with; absent: what the old one was opened with."""

    starting_cash = PositiveDecimalField(code="invalid_amount", default=None, allow_null=True)


def asked_of(user: User, values: dict[str, Any], idempotency_key: str | None) -> Asked:
    """Return what OrderInput read as what a user asks for.

    Its key is client_order_id, else the Idempotency-Key. Raises Malformed for a key that is no key.
    """
    return Asked(user.pk, values, key_of(idempotency_key))


def all_asked_of(user: User, bodies: Sequence[dict[str, Any]]) -> list[Asked | BengiError]:
    """Return what each body of a batch asks for, read as that of one order, or why it is none."""
    return [_asked_or_error(user, body) for body in bodies]


def _asked_or_error(user: User, body: dict[str, Any]) -> Asked | BengiError:
    try:
        return Asked(user.pk, read_body(OrderInput, body))
    except (BengiError, serializers.ValidationError) as error:
        known = as_bengi_error(error)
        assert known is not None, "what a body is refused with has a code"
        return known


def preview_shape(preview: Preview) -> dict[str, Any]:
    """Return a preview; its errors are those that placing the order would be refused with."""
    age = preview.quote_age
    return {
        "symbol": preview.instrument.symbol,
        "currency": preview.instrument.currency,
        "quantity": plain(preview.quantity),
        "estimated_price": plain_or_none(preview.estimated_price),
        "gross_amount": plain_or_none(preview.gross_amount),
        "commission": plain_or_none(preview.commission),
        "fees": plain_or_none(preview.fees),
        "reserve": plain(preview.reserve),
        "buying_power_before": plain(preview.buying_power_before),
        "buying_power_after": plain(preview.buying_power_after),
        "is_estimate": preview.is_estimate,
        "quote": None if preview.quote is None else _quote(preview.quote),
        "quote_age_s": None if age is None else round(age.total_seconds(), 1),
        "sketch": None if preview.sketch is None else _sketch(preview.sketch),
        "checks": [check._asdict() for check in preview.checks],
        "notes": [str(note) for note in preview.notes],
        "errors": [entry(error) for error in preview.errors],
    }


def _quote(tick: Tick) -> dict[str, Any]:
    """Return the quote that a preview looked at, with its spread, in money and basis points."""
    spread = bps = None
    if tick.bid is not None and tick.ask is not None:
        spread = tick.ask - tick.bid
        bps = (spread * 20_000 / (tick.ask + tick.bid)).quantize(Decimal("0.1"))
    return tick_quote(tick) | {"spread": plain_or_none(spread), "spread_bps": plain_or_none(bps)}


def _sketch(sketch: Sketch) -> dict[str, Any]:
    average = sketch.average_price
    return {
        "quantity": plain(sketch.quantity),
        "average_price": None if average is None else plain(average.quantize(QUANTUM)),
        "rest": plain(sketch.rest),
        "rest_does": sketch.rest_does,
        "text": sketch.text,
    }


ORDERS_FILE = CsvForm(
    "orders",
    (
        *("accepted_at", "symbol", "side", "type", "time_in_force", "status", "quantity"),
        *("notional", "filled_quantity", "average_price", "limit_price", "stop_price"),
        *("trail_price", "trail_percent", "commission", "fees", "reason", "closed_at"),
        *("order_class", "leg", "group_id", "id", "client_order_id", "account_id"),
        "portfolio_id",
    ),
)
