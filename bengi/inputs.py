"""What clients send, field by field: strict types, every wrong field told together.

The framework's own fields take "１２", "1e2", true for "True" and names it has never heard of.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.request import Request

from bengi.errors import BengiError, Malformed
from bengi.money import PLACES, parse_decimal
from bengi.problem import Invalid, as_bengi_error

DECIMAL_DIGITS = 10
"""Digits before the point: what fits every database's column (bengi/fields.py)."""

YEARS = range(1901, 3000)
"""Years of days and times that are taken: a day more or less can still be reckoned with."""

_PRINTABLE = re.compile(r"[ -~]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ApiRequest(Request):
    """A request of somebody signed in, as the views behind IsAuthenticated see it."""

    user: Any
    data: Any


class Input(serializers.Serializer[Any]):
    """A serializer that only reads, and refuses names it does not know.

    The framework makes every field anew for every request, which costs more than reading them.
    Here each thread keeps one of each kind: ready_for().
    """

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the values in data. Raises ValidationError with every wrong field."""
        values = self.to_internal_value(data)
        try:
            return self.validate(values)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(serializers.as_serializer_error(error)) from error

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values, told = dict(self._defaults), _unknown([n for n in data if n not in self.fields])
        wrong: dict[str, Any] = {}
        for name, field in self.fields.items():
            if name not in data and name in values:
                continue
            try:
                values[name] = field.run_validation(data.get(name, serializers.empty))
            except serializers.ValidationError as error:
                wrong[name] = error.detail
            except serializers.SkipField:
                pass
        if wrong or told:
            raise serializers.ValidationError({**wrong, **told})
        return values

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """What fields are that are absent, where that is a plain value, whatever else is there."""
        return {
            name: field.default
            for name, field in self.fields.items()
            if field.default is not serializers.empty
            and not callable(field.default)
            and type(field).get_default is serializers.Field.get_default
        }


class _Kept(threading.local):
    """Each thread's own readers, by form."""

    def __init__(self) -> None:
        self.forms: dict[type[Input], Input] = {}


_kept = _Kept()


def ready_for(form: type[Input], data: Mapping[str, Any]) -> Input:
    """Return the thread's own reader of a form, for data."""
    found = _kept.forms.get(form)
    if found is None:
        found = _kept.forms[form] = form()
    found.initial_data = data
    return found


def _unknown(names: Sequence[str]) -> dict[str, list[serializers.ErrorDetail]]:
    return {
        name[:64]: [serializers.ErrorDetail("There is no such field.", code="unknown_field")]
        for name in names[:20]
    }


def read_body(form: type[Input], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body's values. Raises Invalid with every wrong field."""
    values: dict[str, Any] = ready_for(form, data).run_validation(data)
    return values


def read_query(form: type[Input], query: QueryDict) -> dict[str, Any]:
    """Return the query's values. Raises Invalid; each wrong, unknown or repeated one is told."""
    twice = [name for name, values in query.lists() if len(values) > 1]
    if twice:
        raise Invalid([_parameter(name[:64], "Say it once.") for name in twice])
    try:
        return read_body(form, query.dict())
    except serializers.ValidationError as error:
        known = as_bengi_error(error)
        assert isinstance(known, Invalid)
        raise Invalid([_parameter(e.field or "", e.detail) for e in known.errors]) from error


def _parameter(name: str, detail: str) -> BengiError:
    return Malformed("invalid_parameter", detail, field=name)


class ApiField(serializers.Field[Any, Any, Any, Any]):
    """Each says with json_schema() what it takes, for the document of the API."""

    code = "invalid_field"

    def refuse(self, detail: str) -> NoReturn:
        raise serializers.ValidationError(detail, code=self.code)


class TextField(ApiField):
    """Printable ASCII of 1 to max_length characters."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        self.max_length = max_length
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.max_length,
            "pattern": "^[ -~]*$",
        }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.refuse("Send a string.")
        if not 1 <= len(data) <= self.max_length or not _PRINTABLE.fullmatch(data):
            self.refuse(f"Send 1 to {self.max_length} printable ASCII characters.")
        return data


class SearchField(ApiField):
    """Any printable text of up to max_length characters, without the blanks around it."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        self.max_length = max_length
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > self.max_length or not data.isprintable():
            self.refuse(f"Send up to {self.max_length} printable characters.")
        return data.strip()


class NameField(SearchField):
    """What somebody calls a thing of theirs: 1 to max_length printable characters."""

    def __init__(self, *, max_length: int = 80, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def json_schema(self) -> dict[str, Any]:
        return {**super().json_schema(), "minLength": 1, "pattern": r"\S"}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not name:
            self.refuse(f"Send 1 to {self.max_length} printable characters.")
        return name


class WordField(ApiField):
    """One of a few words."""

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        self.words = {str(word): word for word in words}
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.words:
            self.refuse(f"Send one of: {', '.join(self.words)}.")
        return self.words[data]


class FlagField(ApiField):
    """JSON's true or false, no word and no number that stands for one."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.refuse("Send true or false.")
        return data


class UUIDField(ApiField):
    """An identifier in its usual form of 36 characters."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.refuse("Send an identifier such as 01890a5d-ac96-774b-bcce-b302099a8057.")
        return UUID(data)


class PositiveDecimalField(ApiField):
    """A plain decimal above zero, as a string or as a JSON integer; a JSON float is refused."""

    def __init__(self, *, code: str = "invalid_field", **options: Any) -> None:
        self.code = code
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        form = rf"^[0-9]{{1,{DECIMAL_DIGITS}}}(\.[0-9]{{1,{PLACES}}})?$"
        whole = {"type": "integer", "minimum": 1, "maximum": 10**DECIMAL_DIGITS - 1}
        return {"anyOf": [{"type": "string", "pattern": form}, whole]}

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, Decimal):
            self.refuse('Send a decimal as a string, such as "12.50": JSON floats are not exact.')
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.refuse('Send a decimal as a string, such as "12.50".')
        try:
            value = parse_decimal(str(data), digits=DECIMAL_DIGITS)
        except ValueError:
            self.refuse(f"Send up to {DECIMAL_DIGITS} digits and {PLACES} decimal places.")
        if not value:
            self.refuse("Must be more than zero.")
        return value


class MomentField(ApiField):
    """A time as RFC 3339 with its zone, such as 2026-01-05T15:00:00Z."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year not in YEARS:
            self.refuse("Send a time with its zone, such as 2026-01-05T15:00:00Z.")
        return moment.astimezone(UTC)


class DayField(ApiField):
    """A calendar day such as 2026-01-05."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def to_internal_value(self, data: Any) -> date:
        written = isinstance(data, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", data)
        try:
            day = date.fromisoformat(data) if written else None
        except ValueError:
            day = None
        if day is None or day.year not in YEARS:
            self.refuse("Send a day such as 2026-01-05.")
        return day


class CountField(ApiField):
    """A whole number from minimum to maximum, as it stands in a query string."""

    def __init__(self, minimum: int, maximum: int, **options: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def to_internal_value(self, data: Any) -> int:
        whole = isinstance(data, str) and re.fullmatch(r"[0-9]{1,19}", data)
        if not whole or not self.minimum <= int(data) <= self.maximum:
            self.refuse(f"Send a whole number from {self.minimum} to {self.maximum}.")
        return int(data)


class ChangesInput(Input):
    """What is to be different; what is absent stays, but something is there."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            names = ", ".join(self.fields)
            raise serializers.ValidationError(f"Send one of: {names}.", code="invalid_field")
        return attrs


class DaysInput(Input):
    """Two days in UTC, from and to, both included; what is absent is no bound."""

    def get_fields(self) -> dict[str, Any]:
        days = {"from": DayField(default=None), "to": DayField(default=None)}
        return {**super().get_fields(), **days}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since, until = attrs["from"], attrs["to"]
        if since is not None and until is not None and since > until:
            detail = serializers.ErrorDetail("Must not be before from.", code="invalid_field")
            raise serializers.ValidationError({"to": [detail]})
        return attrs
