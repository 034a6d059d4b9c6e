"""What a client may ask of watchlists and alerts, and their JSON."""

from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from bengi.inputs import (
    ChangesInput,
    Input,
    NameField,
    PositiveDecimalField,
    SearchField,
    TextField,
    WordField,
)
from bengi.listing import OrderingField
from bengi.pagination import PageInput
from bengi.terms import AlertKind
from watchlists.models import Watchlist
from watchlists.services import SYMBOLS_MAX

NOTE_LENGTH_MAX = 120
SYMBOL_LENGTH_MAX = 16


class SymbolsField(serializers.Field[Any, Any, Any, Any]):
    """A list of symbols, each once, at most SYMBOLS_MAX."""

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": TextField(max_length=SYMBOL_LENGTH_MAX).json_schema(),
            "maxItems": SYMBOLS_MAX,
            "uniqueItems": True,
        }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or len(data) > SYMBOLS_MAX:
            self._refuse(f"Send a list of at most {SYMBOLS_MAX} symbols.")
        one = TextField(max_length=SYMBOL_LENGTH_MAX)
        symbols = [one.to_internal_value(each).upper() for each in data]
        if len(set(symbols)) < len(symbols):
            self._refuse("Name each symbol once.")
        return symbols

    def _refuse(self, detail: str) -> NoReturn:
        raise serializers.ValidationError(detail, code="invalid_field")


class PlaceField(serializers.Field[Any, Any, Any, Any]):
    """A place in a list, counted from 0; beyond its end is its end."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": SYMBOLS_MAX - 1}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int) or not 0 <= data < SYMBOLS_MAX:
            detail = f"Send a whole number from 0 to {SYMBOLS_MAX - 1}."
            raise serializers.ValidationError(detail, code="invalid_field")
        return data


class WatchlistsInput(PageInput):
    """The order of the lists."""

    ordering = OrderingField({"created": ("id",), "name": ("name", "id")}, default="created")


class NewWatchlistInput(Input):
    """Another list, with or without symbols."""

    name = NameField()
    symbols = SymbolsField(default=list)


class WatchlistInput(Input):
    """A list as it is to be."""

    name = NameField()
    symbols = SymbolsField()


class AddSymbolInput(Input):
    """A symbol, and where it goes; without a place to the end."""

    symbol = TextField(max_length=SYMBOL_LENGTH_MAX)
    place = PlaceField(default=None, allow_null=True)


class AlertsInput(PageInput):
    """Filters of the list; all of them must hold."""

    symbol = TextField(max_length=SYMBOL_LENGTH_MAX, default=None)
    status = WordField(("waiting", "fired", "all"), default="all")
    ordering = OrderingField(
        {"created": ("id",), "symbol": ("instrument__symbol", "id")}, default="-created"
    )


class NewAlertInput(Input):
    """An alert: percent for a change within a day, a price for everything else."""

    symbol = TextField(max_length=SYMBOL_LENGTH_MAX)
    kind = WordField(list(AlertKind))
    price = PositiveDecimalField(default=None, allow_null=True)
    percent = PositiveDecimalField(default=None, allow_null=True)
    note = SearchField(max_length=NOTE_LENGTH_MAX, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        is_change = attrs["kind"] is AlertKind.PERCENT_CHANGE
        if is_change and attrs["price"] is not None:
            _refuse("price", "A change takes a percent and no price.", "unexpected_price")
        if is_change and attrs["percent"] is None:
            _refuse("percent", "Say by how many percent.")
        if not is_change and attrs["price"] is None:
            _refuse("price", "Say at which price.", "missing_price")
        if not is_change and attrs["percent"] is not None:
            _refuse("percent", "Only a change takes a percent.")
        return attrs


class AlertInput(ChangesInput):
    """What of an alert is to be different; what is absent stays."""

    price = PositiveDecimalField(required=False)
    percent = PositiveDecimalField(required=False)
    note = SearchField(max_length=NOTE_LENGTH_MAX, required=False)


def watchlist_shape(watchlist: Watchlist) -> dict[str, Any]:
    """Return a list with its symbols in order; its items are prefetched."""
    return {
        "id": str(watchlist.id),
        "name": watchlist.name,
        "symbols": [item.instrument.symbol for item in watchlist.items.all()],
    }


def _refuse(field: str, detail: str, code: str = "invalid_field") -> NoReturn:
    raise serializers.ValidationError({field: [ErrorDetail(detail, code)]})
