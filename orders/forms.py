"""The order ticket as a form: reads what people type, and says beside each field what is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from bengi.discreet import refusal
from bengi.errors import BengiError
from bengi.ids import new_id
from bengi.money import ZERO
from bengi.plain_forms import PlainForm
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from bengi.typed import read_number
from orders.hours import EXTENDED_TIMES
from orders.legs import StopLoss, TakeProfit
from orders.rules import PRICES_OF
from orders.tickets import OrderTicket
from portfolios.selectors import portfolio_of

TYPES = [
    (OrderType.MARKET, "Market"),
    (OrderType.LIMIT, "Limit"),
    (OrderType.STOP, "Stop"),
    (OrderType.STOP_LIMIT, "Stop limit"),
    (OrderType.TRAILING_STOP, "Trailing stop"),
]
TIMES = [
    (TimeInForce.DAY, "Day"),
    (TimeInForce.GTC, "Good till canceled"),
    (TimeInForce.GTD, "Good until a time"),
    (TimeInForce.IOC, "Immediate or cancel"),
    (TimeInForce.FOK, "Fill or kill"),
    (TimeInForce.OPG, "At the opening"),
    (TimeInForce.CLS, "At the close"),
]
SIZES = [("quantity", "Shares"), ("notional", "Amount")]
"""What a market order may name; every other names a quantity."""

TRAILS = ("trail_price", "trail_percent")
PRICES = ("limit_price", "stop_price", *TRAILS)
"""The prices on the form; those that the chosen type does not name are hidden and not read."""

EXITS = {
    "take_profit": "take_profit.limit_price",
    "stop_loss": "stop_loss.stop_price",
    "stop_loss_trail_price": "stop_loss.trail_price",
    "stop_loss_trail_percent": "stop_loss.trail_percent",
}
"""The fields of the exits, and what the rules call them."""
_EXIT_OF = {rule: name for name, rule in EXITS.items()} | {"stop_loss.type": "stop_loss"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the form; id and label name the field, or are empty."""

    text: str
    id: str = ""
    label: str = ""


class PlainDecimalField(forms.Field):
    """A number above zero in plain digits, at most 8 places after the point."""

    def to_python(self, value: Any) -> Decimal | None:
        text = str(value or "").strip()
        if not text:
            return None
        number = read_number(text, example="12.50")
        if not number:
            raise ValidationError("It must be more than zero.")
        return number


class MomentField(forms.Field):
    """A time in UTC, as a browser writes it."""

    def to_python(self, value: Any) -> datetime | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("Write a day and a time, such as 2026-01-05T15:00.") from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class TicketForm(PlainForm):
    """What an order is made of. symbol, portfolio_id and client_order_id are hidden fields.

    Exits make a buy a bracket, or an oto where there is only one. A limit to sell with a stop loss
    is an oco. confirm_duplicate is hidden too: the review sends it once it has asked.
    """

    symbol = forms.CharField(max_length=16)
    portfolio_id = forms.UUIDField()
    side = forms.ChoiceField(choices=[(Side.BUY, "Buy"), (Side.SELL, "Sell")])
    type = forms.ChoiceField(choices=TYPES)
    time_in_force = forms.ChoiceField(choices=TIMES)
    sized_by = forms.ChoiceField(choices=SIZES, required=False)
    quantity = PlainDecimalField(required=False)
    notional = PlainDecimalField(required=False)
    extended_hours = forms.BooleanField(required=False)
    limit_price = PlainDecimalField(required=False)
    stop_price = PlainDecimalField(required=False)
    trail_price = PlainDecimalField(required=False)
    trail_percent = PlainDecimalField(required=False)
    expires_at = MomentField(required=False)
    take_profit = PlainDecimalField(required=False)
    stop_loss = PlainDecimalField(required=False)
    stop_loss_trail_price = PlainDecimalField(required=False)
    stop_loss_trail_percent = PlainDecimalField(required=False)
    client_order_id = forms.CharField(max_length=128, required=False)
    confirm_duplicate = forms.BooleanField(required=False)

    def full_clean(self) -> None:
        """Forget what type, time and side do not show, whatever stands in it."""
        if self.is_bound:
            self.data = {**dict(self.data.items()), **_hidden(self.data)}
        super().full_clean()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        size = self.size
        if values.get(size) is None and size not in self.errors:
            self.add_error(size, "Write how much." if size == "notional" else "Write how many.")
        for needed in set(_shown(values.get("type", ""))) - set(TRAILS):
            if values.get(needed) is None and needed not in self.errors:
                kind, word = values["type"].replace("_", " "), needed.replace("_", " ")
                self.add_error(needed, f"A {kind} order needs a {word}.")
        return values

    def ticket(self, user: User) -> OrderTicket:
        """Return the ticket of a valid form, with a new key unless it brings one.

        Raises NotFound for a portfolio that is not the user's.
        """
        values = dict(self.cleaned_data)
        del values["sized_by"]
        portfolio = portfolio_of(user, values.pop("portfolio_id"))
        values |= _legs(values, *(values.pop(name) for name in EXITS))
        return OrderTicket(
            account_id=portfolio.account_id,
            portfolio_id=portfolio.id,
            symbol=values.pop("symbol"),
            side=Side(values.pop("side")),
            type=OrderType(values.pop("type")),
            time_in_force=TimeInForce(values.pop("time_in_force")),
            client_order_id=values.pop("client_order_id") or str(new_id()),
            quantity=values.pop("quantity") or ZERO,
            **values,
        )

    @property
    def size(self) -> str:
        """The field that says how much is wanted: quantity or notional."""
        source = self.data if self.is_bound else self.initial
        return "notional" if source.get("sized_by") == "notional" else "quantity"

    def refuse(self, errors: Iterable[BengiError]) -> None:
        """Put the rules' reasons beside their fields."""
        for error in errors:
            field = _EXIT_OF.get(error.field or "", error.field)
            field = field if field in _VISIBLE else None
            self.add_error(field, refusal(error))

    @property
    def has_exits(self) -> bool:
        """Say whether something stands in the fields of the exits."""
        return any(self[name].value() for name in EXITS)

    @property
    def problems(self) -> list[Problem]:
        """Everything wrong, in the order of the fields."""
        found = [Problem(str(text)) for text in self.non_field_errors()]
        for name, texts in self.errors.items():
            if name in _VISIBLE:
                label = _LABELS.get(name) or name.replace("_", " ").capitalize()
                found += [Problem(str(text), name, label) for text in texts]
            elif name != "__all__":
                found += [Problem(f"This order cannot be read: {name}.")]
        return found


def _hidden(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that the chosen type, time and side do not show, emptied."""
    type_, time = data.get("type", ""), data.get("time_in_force")
    shown = _shown(type_)
    hidden = {name: "" for name in PRICES if name not in shown}
    if time != TimeInForce.GTD:
        hidden["expires_at"] = ""
    is_amount = type_ == OrderType.MARKET and data.get("sized_by") == "notional"
    hidden |= {"quantity": ""} if is_amount else {"notional": "", "sized_by": "quantity"}
    if type_ != OrderType.LIMIT or time not in EXTENDED_TIMES:
        hidden["extended_hours"] = ""
    if is_amount:
        hidden |= dict.fromkeys(EXITS, "")
    elif data.get("side") == Side.SELL:
        hidden |= dict.fromkeys(["take_profit"] if type_ == OrderType.LIMIT else EXITS, "")
    return hidden


def _legs(
    values: dict[str, Any],
    take_profit: Decimal | None,
    stop: Decimal | None,
    trail_price: Decimal | None,
    trail_percent: Decimal | None,
) -> dict[str, Any]:
    """Return the legs of a ticket and the class they make of it; nothing without any."""
    loss = StopLoss(stop_price=stop, trail_price=trail_price, trail_percent=trail_percent)
    found: dict[str, Any] = {} if loss == StopLoss() else {"stop_loss": loss}
    is_pair = values["side"] == Side.SELL and values["type"] == OrderType.LIMIT
    if is_pair and found:
        take_profit = values["limit_price"]
    if take_profit is not None:
        found["take_profit"] = TakeProfit(take_profit)
    if found:
        alone = OrderClass.OTO if len(found) == 1 else OrderClass.BRACKET
        found["order_class"] = OrderClass.OCO if is_pair else alone
    return found


def _shown(type_: str) -> tuple[str, ...]:
    if type_ == OrderType.TRAILING_STOP:
        return TRAILS
    known = type_ in set(OrderType)
    return tuple(PRICES_OF[OrderType(type_)]) if known else ()


_LABELS = {"notional": "Amount"}
_VISIBLE = (
    *("type", "time_in_force", "expires_at", "quantity", "notional", "extended_hours"),
    *(*PRICES, *EXITS),
)
