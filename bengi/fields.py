"""Exact decimals in every database: numeric(28, 8) on PostgreSQL, scaled integers on SQLite.

SQLite keeps decimals as floating point and loses digits past the fifteenth; an integer of
hundred-millionths is exact and compares and sums exactly. Its range is about 92 billion.
"""

from decimal import Context, Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from bengi.money import PLACES, QUANTUM, plain

_SCALE = 10**PLACES
_WIDE = Context(prec=60)
_VALUE_QUANTUM = Decimal(1).scaleb(-2 * PLACES)
_SQLITE_MAX = Decimal(2**63 - 1) / _SCALE


class ExactField(models.Field):
    """A Decimal of 8 places. Raises ValidationError when a value has more places than that."""

    description = "Exact decimal of 8 places"

    def db_type(self, connection: Any) -> str:
        return "numeric(28, 8)" if connection.vendor == "postgresql" else "bigint"

    def rel_db_type(self, connection: Any) -> str:
        return self.db_type(connection)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, float):
            raise ValidationError("a float is not exact; pass a Decimal or a string")
        try:
            return Decimal(value)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValidationError(f"{value!r} is not a decimal number") from error

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return self.to_python(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if type(value) is not Decimal:  # what most rows hold needs no other conversion
            value = super().get_db_prep_value(value, connection, prepared)
        if not isinstance(value, Decimal):
            return value
        if connection.vendor == "postgresql":
            return exact(value)
        if abs(value) > _SQLITE_MAX:
            raise ValidationError(f"{value} is beyond what SQLite can hold exactly")
        return int(exact(value).scaleb(PLACES))

    def get_db_converters(self, connection: Any) -> list[Any]:
        """Return what is done to each value that is read; PostgreSQL's are decimals already."""
        return [] if connection.vendor == "postgresql" else super().get_db_converters(connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-PLACES)

    def value_to_string(self, obj: models.Model) -> str:
        value: Any = self.value_from_object(obj)
        return "" if value is None else plain(value)

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms  # noqa: PLC0415 - forms are loaded only where a form is made

        return super().formfield(
            **{"form_class": forms.DecimalField, "max_digits": 28, "decimal_places": 8, **kwargs}
        )


class MoneyField(ExactField):
    """An amount in the currency of its row."""


class PriceField(ExactField):
    """A price per share in the instrument's currency."""


class QuantityField(ExactField):
    """A number of shares."""


class ValueField(ExactField):
    """A price times a quantity: 16 places.

    On SQLite it is text in the unit of the other fields, because no integer there holds as many
    digits. Nothing may sort, sum or compare it in SQL.
    """

    def db_type(self, connection: Any) -> str:
        return "numeric(38, 16)" if connection.vendor == "postgresql" else "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = self.get_prep_value(value)
        if not isinstance(value, Decimal):
            return value
        scaled = exact(value, _VALUE_QUANTUM)
        if connection.vendor == "postgresql":
            return scaled
        return plain(scaled.scaleb(PLACES, context=_WIDE))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-PLACES, context=_WIDE)


def exact(value: Decimal, quantum: Decimal = QUANTUM) -> Decimal:
    """Return a decimal with the places that are stored. Raises ValidationError if it has more."""
    scaled = _WIDE.quantize(value, quantum)
    if scaled != value:
        places = -quantum.adjusted()
        raise ValidationError(f"{value} has more than {places} decimal places")
    return scaled
