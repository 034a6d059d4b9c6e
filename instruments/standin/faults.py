"""What goes wrong on request: the kinds of faults, where each strikes, how often and how long.

A fault is a JSON object, `{"fault": "error", "code": 500, "times": 3}`. All kinds take

    paths     where it strikes; everywhere if none are named
    symbols   which symbols it strikes, in a batch only their parts; all if none are named
    times     how many answers, events or sockets it strikes; without end if not said
    for_s     for how long by the machine's clock; without end if not said
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

import msgspec

STREAM = "/v1/quotes/price"
"""The path of the WebSocket."""

_PRICES = ("price", "close", "rate")
_TIMES = ("timestamp", "last_quote_at")
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Json = dict[str, object]


class Fault(msgspec.Struct, kw_only=True, tag_field="fault", forbid_unknown_fields=True):
    """What all kinds share."""

    paths: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    times: _Positive | None = None
    for_s: _Seconds | None = None

    def strikes(self, path: str, symbols: Iterable[str] | None) -> bool:
        """Return whether path is meant, and one of the symbols where the fault names some."""
        if self.paths and path not in self.paths:
            return False
        return not self.symbols or bool(set(self.symbols) & set(symbols or ()))


class Error(Fault, tag="error"):
    """An error body; http_status is the code where it is not said, 200 is worth trying.

    At the path of the stream it refuses the upgrade.
    """

    code: int = 500
    message: str = "Internal server error. Please try again later."
    http_status: int | None = None


class As200(Fault, tag="as_200"):
    """Errors come with HTTP 200, as the real service sends them too."""


class Price(Fault, tag="price"):
    """A price (price, close, rate) that cannot be right."""

    value: Literal["nan", "zero", "negative", "x10", "null", "text"]


class Fields(Fault, tag="fields"):
    """Fields that are missing, and others that say something else."""

    drop: tuple[str, ...] = ()
    set: Json = {}


class OutOfOrder(Fault, tag="out_of_order"):
    """What is said is older, by so many seconds, than what has been said before."""

    by_s: _Positive = 60


class Slow(Fault, tag="slow"):
    """Answers that take long."""

    delay_s: _Seconds = 5.0


class Hang(Fault, tag="hang"):
    """Requests that are never answered; the connection stays."""


class Cut(Fault, tag="cut"):
    """A connection that breaks: after so many bytes of an answer, or the stream's at once."""

    after_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0


class Garbage(Fault, tag="garbage"):
    """Something that is not JSON, as gateways in front of a service send it."""

    http_status: int = 502
    text: str = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class Silence(Fault, tag="silence"):
    """A stream without prices; heartbeats are answered, or are not either."""

    heartbeats: bool = True


class HalfOpen(Fault, tag="half_open"):
    """A stream whose other end is gone without a word: nothing is read or sent any more."""


Kind = (
    Error | As200 | Price | Fields | OutOfOrder | Slow | Hang | Cut | Garbage | Silence | HalfOpen
)
F = TypeVar("F", bound=Fault)


class Active(msgspec.Struct):
    """A fault that is under way: its number, when it ends, how often it has struck."""

    number: int
    fault: Kind
    ends_at: datetime | None
    struck: int = 0


class Faults:
    """The faults under way."""

    def __init__(self) -> None:
        self._active: list[Active] = []
        self._count = 0

    def add(self, fault: Kind, wall: datetime) -> Active:
        """Let a fault begin."""
        self._count += 1
        ends_at = None if fault.for_s is None else wall + timedelta(seconds=fault.for_s)
        active = Active(self._count, fault, ends_at)
        self._active.append(active)
        return active

    def clear(self) -> None:
        """End all of them."""
        self._active.clear()

    def under_way(self, wall: datetime) -> list[Active]:
        """Return those that have not ended."""
        self._active = [each for each in self._active if _goes_on(each, wall)]
        return self._active

    def take(
        self, kind: type[F], path: str, wall: datetime, symbols: Iterable[str] | None = None
    ) -> F | None:
        """Return the oldest fault of a kind that strikes here, counted as having struck."""
        for each in self.under_way(wall):
            if isinstance(each.fault, kind) and each.fault.strikes(path, symbols):
                each.struck += 1
                return each.fault
        return None

    def spoil(self, answer: Json, path: str, symbol: str, wall: datetime) -> Json:
        """Return what is said of one symbol, spoilt by the faults that spoil words."""
        if price := self.take(Price, path, wall, [symbol]):
            answer = _with_price(answer, price.value, is_number=path == STREAM)
        if older := self.take(OutOfOrder, path, wall, [symbol]):
            answer = {name: _aged(name, said, older.by_s) for name, said in answer.items()}
        if fields := self.take(Fields, path, wall, [symbol]):
            kept = {name: said for name, said in answer.items() if name not in fields.drop}
            answer = {**kept, **fields.set}
        return answer


def read_fault(text: str | bytes) -> Kind:
    """Return the fault that a JSON object describes. Raises ValueError, saying what is wrong."""
    fault: Kind = msgspec.json.decode(text, type=Kind)
    return fault


def _goes_on(active: Active, wall: datetime) -> bool:
    times = active.fault.times
    is_spent = times is not None and active.struck >= times
    return not is_spent and (active.ends_at is None or wall < active.ends_at)


def _with_price(answer: Json, how: str, *, is_number: bool) -> Json:
    """Spoil the prices of an answer; of a time series that of its newest bar."""
    if isinstance(values := answer.get("values"), list) and values:
        return {**answer, "values": [_with_price(values[0], how, is_number=False), *values[1:]]}
    return {
        name: _wrong(said, how, is_number=is_number or name == "rate") if name in _PRICES else said
        for name, said in answer.items()
    }


def _wrong(said: object, how: str, *, is_number: bool) -> object:
    match how:
        case "null":
            return None
        case "text":
            return "n/a"
        case "nan":
            return float("nan") if is_number else "NaN"
    figure = Decimal(str(said))
    wrong = {"zero": Decimal(0), "negative": -figure, "x10": figure * 10}[how]
    return float(wrong) if is_number else format(wrong, "f")


def _aged(name: str, said: object, by_s: int) -> object:
    return said - by_s if name in _TIMES and isinstance(said, int) else said
