"""The parameters of a request, read as strictly as the stand-in needs and refused in its words."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from instruments.standin.history import INTERVALS
from instruments.standin.refusals import bad_interval, bad_parameter, missing_parameter

SYMBOLS_MAX = 120
_KNOWN = f"{', '.join(INTERVALS[:-1])} and {INTERVALS[-1]}"
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?")


class Parameters:
    """Query parameters by name; each method raises Refused for a value that cannot be read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as it came."""
        return self._values.get(name, default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a parameter that is true or false."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in {"true", "false"}:
            raise bad_parameter(name, value)
        return value == "true"

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number within bounds."""
        value = self.text(name, str(default))
        if not re.fullmatch(r"\d{1,6}", value, re.ASCII) or not lowest <= int(value) <= highest:
            raise bad_parameter(name, value)
        return int(value)

    def places(self) -> int:
        """Return how many decimal places prices are to have."""
        return self.number("dp", 5, 0, 11)

    def interval(self, default: str | None = None) -> str:
        """Return the interval."""
        value = self.text("interval", default or "")
        if not value:
            raise missing_parameter("interval")
        if value not in INTERVALS:
            raise bad_interval(value, _KNOWN)
        return value

    def symbols(self) -> list[str]:
        """Return what a comma-separated symbol names, in the order and spelling it came in."""
        return list(dict.fromkeys(filter(None, self.text("symbol").split(","))))

    def zone(self, of_exchange: str) -> tzinfo:
        """Return the zone that times are told in: the exchange's, UTC or any of the tz database."""
        name = self.text("timezone", "Exchange")
        if name.lower() in {"exchange", "utc"}:
            return ZoneInfo(of_exchange) if name.lower() == "exchange" else UTC
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise bad_parameter("timezone", name) from error

    def moment(self, name: str, zone: tzinfo) -> datetime | None:
        """Return a time, or the midnight of a date, in zone; None where there is none."""
        value = self.text(name)
        if not value:
            return None
        try:
            if not _LOCAL.fullmatch(value):
                raise ValueError(value)
            return datetime.fromisoformat(value).replace(tzinfo=zone)
        except ValueError as error:
            raise bad_parameter(name, value) from error

    def day(self, name: str) -> date | None:
        """Return a date; None where there is none."""
        value = self.text(name)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise bad_parameter(name, value) from error
