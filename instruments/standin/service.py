"""From a request to an answer: keys, credits, batches, faults. Does no input or output itself."""

import json
from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import msgspec

from instruments.standin import faults, prices, reference
from instruments.standin.credits import PAID, PLANS, Meter, Plan
from instruments.standin.faults import STREAM, Faults, Json
from instruments.standin.listings import Listed
from instruments.standin.market import Market
from instruments.standin.parameters import SYMBOLS_MAX, Parameters
from instruments.standin.refusals import (
    Refused,
    bad_key,
    no_such_path,
    not_found,
    path_above_plan,
    symbol_above_plan,
    too_many_symbols,
)

REQUESTS_KEPT = 10_000
BATCH_MAX = 120
KEYS_MAX = 1000

ForSymbol = Callable[[Market, str, Parameters, datetime], Json]
ForRequest = Callable[[Market, Parameters, datetime], object]

FOR_SYMBOL: dict[str, ForSymbol] = {
    "/quote": prices.quote,
    "/price": prices.price,
    "/time_series": prices.time_series,
    "/eod": prices.eod,
    "/exchange_rate": prices.exchange_rate,
    "/currency_conversion": prices.currency_conversion,
}
OF_RATES = {"/exchange_rate", "/currency_conversion"}
FOR_REQUEST: dict[str, ForRequest] = {
    "/stocks": reference.stocks,
    "/etfs": reference.etfs,
    "/etf": reference.etfs,
    "/symbol_search": reference.symbol_search,
    "/market_state": reference.market_state,
    "/exchanges": reference.exchanges,
    "/earliest_timestamp": reference.earliest_timestamp,
    "/technical_indicators": reference.technical_indicators,
}
ABOVE = {"/dividends": 1, "/splits": 1, "/profile": 1, "/statistics": 2, "/exchange_schedule": 3}
"""Endpoints that are not served, by the rank of the lowest plan that includes them."""


class Request(msgspec.Struct, frozen=True):
    """An HTTP request; the names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Answer(msgspec.Struct):
    """An HTTP answer, and how it is delivered: late, never, or cut off after so many bytes."""

    status: int
    body: bytes
    headers: dict[str, str]
    delay_s: float = 0
    is_withheld: bool = False
    cut_after: int | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request as it is remembered: when it came, what for, with which status it was answered."""

    at: datetime
    path: str
    symbols: tuple[str, ...]
    status: int
    cost: int


class Service:
    """One Twelve Data: a market, a plan, the keys that are known (any, where none are named)."""

    def __init__(self, market: Market, plan: Plan = PLANS["free"], keys: Collection[str] = ()):
        self.market, self.plan = market, plan
        self.faults = Faults()
        self.requests: deque[Asked] = deque(maxlen=REQUESTS_KEPT)
        self._keys = frozenset(keys)
        self._meters: dict[str, Meter] = {}

    def answer(self, request: Request, now: datetime, wall: datetime) -> Answer:
        """Answer a request; now is the market's time, wall the machine's."""
        path = request.path
        symbols = [symbol_of(token) for token in Parameters(request.query).symbols()]
        cost, meter = 0, None
        try:
            meter = self.meter_of(request)
            self._refuse_on_request(path, wall)
            body, cost = self._body(request, meter, now, wall)
            status = 200
        except Refused as refused:
            body, status = refused.body(), self._status_of(refused, path, wall)
        headers = meter.headers(wall) if meter else {}
        if len(symbols) > 1 and path in FOR_SYMBOL:
            headers["is_batch"] = "true"
        self.requests.append(Asked(wall, path, tuple(symbols), status, cost))
        return self._delivered(Answer(status, _encoded(body), headers), path, symbols, wall)

    def meter_of(self, request: Request) -> Meter:
        """Return the credits of the key that a request carries. Raises Refused."""
        key = request.query.get("apikey", "")
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if not key and scheme.lower() == "apikey":
            key = credentials.strip()
        is_known = key in self._keys if self._keys else len(self._meters) < KEYS_MAX
        if not key or not (is_known or key in self._meters):
            raise bad_key()
        return self._meters.setdefault(key, Meter(self.plan))

    @property
    def meters(self) -> Mapping[str, Meter]:
        """The credits by key."""
        return self._meters

    def admit(self, each: Listed) -> None:
        """Raise Refused where the plan does not include an instrument's market."""
        if each.venue.rank > self.plan.rank:
            raise symbol_above_plan()

    def refuse_upgrade(self, request: Request, wall: datetime) -> Answer | None:
        """Return why a stream is not opened, None where it may be."""
        try:
            self.meter_of(request)
            self._refuse_on_request(STREAM, wall)
            if not self.plan.stream_credits:
                raise path_above_plan(STREAM, PAID[2])
        except Refused as refused:
            status = self._status_of(refused, STREAM, wall)
            return Answer(status, _encoded(refused.body()), {})
        return None

    def _body(
        self, request: Request, meter: Meter, now: datetime, wall: datetime
    ) -> tuple[object, int]:
        """Return the body of an answer and what it has cost."""
        path, asked = request.path, Parameters(request.query)
        if path == "/batch" and request.method == "POST":
            return self._batch(request, meter, now, wall)
        if request.method != "GET":
            raise Refused(405, f"{request.method} is not allowed here.")
        if asked.text("format", "JSON").upper() != "JSON":
            raise Refused(400, "**format** must be JSON here.")
        if asked.flag("prepost") and self.plan.rank < 2:
            raise path_above_plan("prepost", PAID[2])
        if path in FOR_SYMBOL:
            return self._symbols(path, asked, meter, now, wall)
        if path == "/api_usage" or path in FOR_REQUEST:
            meter.check(1, wall)
            listed = FOR_REQUEST[path](self.market, asked, now) if path in FOR_REQUEST else None
            meter.charge(1, wall)
            return reference.api_usage(meter, wall) if listed is None else listed, 1
        if ABOVE.get(path, 0) > self.plan.rank:
            raise path_above_plan(path, PAID[ABOVE[path]])
        raise no_such_path(path)

    def _symbols(
        self, path: str, asked: Parameters, meter: Meter, now: datetime, wall: datetime
    ) -> tuple[object, int]:
        """Answer for each symbol. Credits must be left for all; those answered are charged."""
        symbols = asked.symbols()
        if not symbols:
            raise not_found()
        if len(symbols) > SYMBOLS_MAX:
            raise too_many_symbols(len(symbols), SYMBOLS_MAX)
        meter.check(len(symbols), wall)
        if len(symbols) == 1:
            body: Json = self._one(path, symbols[0], asked, now, wall)
            meter.charge(1, wall)
            return body, 1
        answers: dict[str, Json] = {}
        cost = 0
        for token in symbols:
            try:
                answers[token] = self._one(path, token, asked, now, wall)
                cost += 1
            except Refused as refused:
                answers[token] = refused.body()
        meter.charge(cost, wall)
        return answers, cost

    def _one(self, path: str, token: str, asked: Parameters, now: datetime, wall: datetime) -> Json:
        symbol = symbol_of(token)
        if path not in OF_RATES:
            self.admit(prices.find(self.market, token, asked))
        if error := self._error_for(path, symbol, wall):
            raise error
        answer = FOR_SYMBOL[path](self.market, token, asked, now)
        return self.faults.spoil(answer, path, symbol, wall)

    def _batch(
        self, request: Request, meter: Meter, now: datetime, wall: datetime
    ) -> tuple[object, int]:
        """Answer each part of POST /batch on its own; those that find no credits are refused."""
        parts = _parts(request.body)
        if len(parts) > BATCH_MAX:
            raise too_many_symbols(len(parts), BATCH_MAX)
        data: Json = {}
        cost = 0
        for name, target in parts.items():
            part = Request("GET", target)
            try:
                body, part_cost = self._body(part, meter, now, wall)
                cost += part_cost
                data[name] = {"response": body, "status": "success"}
            except Refused as refused:
                data[name] = {"response": refused.body(), "status": "error"}
        return {"code": 200, "status": "success", "data": data}, cost

    def _refuse_on_request(self, path: str, wall: datetime) -> None:
        """Raise what a fault that names no symbols makes of a whole request."""
        fault = self.faults.take(faults.Error, path, wall, None)
        if fault is not None:
            raise _FaultyError(fault)

    def _error_for(self, path: str, symbol: str, wall: datetime) -> Refused | None:
        fault = self.faults.take(faults.Error, path, wall, [symbol])
        return _FaultyError(fault) if fault else None

    def _status_of(self, refused: Refused, path: str, wall: datetime) -> int:
        if isinstance(refused, _FaultyError):
            return refused.http_status
        is_hidden = self.faults.take(faults.As200, path, wall, None) is not None
        return 200 if is_hidden else refused.code

    def _delivered(self, answer: Answer, path: str, symbols: list[str], wall: datetime) -> Answer:
        if garbage := self.faults.take(faults.Garbage, path, wall, symbols):
            answer.status, answer.body = garbage.http_status, garbage.text.encode()
            answer.headers["content-type"] = "text/html"
        if slow := self.faults.take(faults.Slow, path, wall, symbols):
            answer.delay_s = slow.delay_s
        if cut := self.faults.take(faults.Cut, path, wall, symbols):
            answer.cut_after = cut.after_bytes
        answer.is_withheld = self.faults.take(faults.Hang, path, wall, symbols) is not None
        return answer


class _FaultyError(Refused):
    """An error that was asked for."""

    def __init__(self, fault: faults.Error) -> None:
        super().__init__(fault.code, fault.message)
        self.http_status = fault.http_status or fault.code


def symbol_of(token: str) -> str:
    """Return the symbol in "aapl" or "AAPL:NASDAQ"."""
    return token.strip().upper().partition(":")[0]


def _parts(body: bytes) -> dict[str, str]:
    """Return the addresses in the body of POST /batch by their names. Raises Refused."""
    try:
        parts = msgspec.json.decode(body, type=dict[str, dict[str, str]])
        return {name: part["url"] for name, part in parts.items()}
    except (msgspec.DecodeError, KeyError) as error:
        raise Refused(400, "The body must be an object of {name: {url}}.") from error


def _encoded(body: object) -> bytes:
    """Return JSON; NaN stays NaN, which is not JSON, where a fault wants it so."""
    return json.dumps(body).encode()
