"""The part of the replay that is about the calendar: what staff have said of single days."""

from collections.abc import Iterator
from typing import Any

from instruments.days import day_payload
from instruments.models import CalendarOverride

FoldedDays = dict[tuple[str, str], dict[str, Any]]
"""(mic, date) -> its override, as the events tell it."""


def fold_calendar(state: FoldedDays, event_type: str, payload: dict[str, Any]) -> None:
    """Carry state forward by one calendar.overridden or calendar.restored."""
    key = (payload["mic"], payload["date"])
    if event_type == "calendar.restored":
        del state[key]
    else:
        state[key] = {name: payload[name] for name in payload if name != "by"}


def folded_day_lines(state: FoldedDays) -> Iterator[str]:
    """Yield a line per override that the events leave standing."""
    yield from (_line(values) for values in state.values())


def table_day_lines() -> Iterator[str]:
    """Yield a line per override in the table."""
    for row in CalendarOverride.objects.all():
        yield _line({"mic": row.mic, "date": row.date.isoformat(), **day_payload(row)})


def _line(values: dict[str, Any]) -> str:
    return "override " + " ".join(f"{name}={values[name]}" for name in sorted(values))
