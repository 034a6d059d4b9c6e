"""One conversation with Twelve Data over HTTP: questions in, parsed answers or errors out.

The key goes into a header and nowhere else. What costs credits is said here, whether there are any
is asked elsewhere (governor). A broken server or line is asked again, with growing pauses; nothing
else is.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from random import SystemRandom
from typing import Any, TypeVar

import msgspec
import requests

from instruments.twelvedata import parsing
from instruments.twelvedata.errors import (
    TwelveDataError,
    Unreachable,
    Unreadable,
    error_of,
    is_worth_repeating,
)
from instruments.twelvedata.parsing import (
    Listed,
    MarketState,
    Quoted,
    RateTold,
    Series,
    Usage,
    read_header,
)

T = TypeVar("T")
Answers = dict[str, T | TwelveDataError]

CONNECT_S, READ_S, ANSWER_S = 3.0, 8.0, 15.0
"""For a connection, for the next bytes, for the whole of an answer."""
TRIES = 3
PAUSE_S = 0.5
"""Before the second try, twice as long before the next; up to half of it more, by chance."""
BODY_MAX = 32 * 1024 * 1024
BATCH_MAX = 120
"""Symbols in one question."""
ROWS_MAX = 5000
_CHUNK = 64 * 1024
_random = SystemRandom()


class Counted(msgspec.Struct, frozen=True):
    """What a response says of this minute's credits."""

    used: int
    left: int


class _Key(requests.auth.AuthBase):
    """Puts the key into the header; given as auth, no netrc file can take its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"apikey {self._key}"
        return request

    def __repr__(self) -> str:
        return "<key>"


class Rest:
    """Safe for one thread at a time. Every question may raise any TwelveDataError.

    hear is told what each response says of credits. pause waits so many seconds and says whether to
    stop, as the wait() of an event does. draw is a number from 0 to 1. An answer that was lost may
    have been charged: the same question again takes its credits once more, from pay, which says
    whether there were so many.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        hear: Callable[[Counted], None] = lambda counted: None,
        pause: Callable[[float], Any] = time.sleep,
        draw: Callable[[], float] = _random.random,
        pay: Callable[[int], bool] = lambda cost: True,
        read_s: float = READ_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._hear, self._pause, self._draw, self._pay = hear, pause, draw, pay
        self._left: int | None = None
        self._read_s, self._answer_s = read_s, answer_s
        self._session = requests.Session()
        self._session.auth = _Key(key)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "bengi"})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def quotes(self, tokens: Sequence[str]) -> Answers[Quoted]:
        """Return each symbol's day so far. 1 credit a symbol."""
        return self._batch("quote", tokens, parsing.read_quote)

    def prices(self, tokens: Sequence[str]) -> Answers[Decimal]:
        """Return each symbol's newest price. 1 credit a symbol."""
        return self._batch("price", tokens, parsing.read_price)

    def rates(self, pairs: Sequence[str]) -> Answers[RateTold]:
        """Return the rates of pairs such as EUR/USD. 1 credit a pair."""
        return self._batch("exchange_rate", pairs, parsing.read_rate)

    def series(
        self,
        token: str,
        interval: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        rows: int = ROWS_MAX,
    ) -> Series:
        """Return bars, at most 5000, oldest first, in UTC and in the shares of today. 1 credit."""
        asked = {"symbol": token, "interval": interval, "timezone": "UTC", "outputsize": rows}
        for name, moment in (("start_date", start), ("end_date", end)):
            if moment is not None:
                asked[name] = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return parsing.read_series(self._ask("time_series", asked))

    def stocks(self, mic: str) -> list[Listed]:
        """Return every stock of an exchange. 1 credit."""
        return parsing.read_listings(self._ask("stocks", {"mic_code": mic}))

    def etfs(self, mic: str) -> list[Listed]:
        """Return every fund of an exchange. 1 credit."""
        return parsing.read_listings(self._ask("etfs", {"mic_code": mic}))

    def search(self, text: str, *, rows: int = 30) -> list[Listed]:
        """Return listings whose symbol or name is like text. 1 credit."""
        asked = {"symbol": text, "outputsize": rows}
        return parsing.read_listings(self._ask("symbol_search", asked))

    def closes(self, tokens: Sequence[str], day: date) -> Answers[Decimal]:
        """Return each symbol's close of a day. 1 credit a symbol."""
        asked = {"date": day.isoformat()}
        return self._batch("eod", tokens, parsing.read_close, asked)

    def market_states(self) -> list[MarketState]:
        """Return what every exchange does now. 1 credit."""
        return parsing.read_market_states(self._ask("market_state", {}))

    def earliest(self, token: str, interval: str) -> datetime:
        """Return from when on there are bars. 1 credit."""
        asked = {"symbol": token, "interval": interval, "timezone": "UTC"}
        return parsing.read_earliest(self._ask("earliest_timestamp", asked))

    def usage(self) -> Usage:
        """Return how many credits they have counted. 1 credit."""
        return parsing.read_usage(self._ask("api_usage", {}))

    def _batch(
        self,
        path: str,
        tokens: Sequence[str],
        read_one: Callable[[Any], T],
        also: Mapping[str, Any] | None = None,
    ) -> Answers[T]:
        assert 0 < len(tokens) <= BATCH_MAX
        try:
            asked = {"symbol": ",".join(tokens), **(also or {})}
            document = self._ask(path, asked, cost=len(tokens))
        except TwelveDataError as error:
            if len(tokens) == 1 and not is_about_everything(error):
                return {tokens[0]: error}
            raise
        return parsing.read_batch(document, tokens, read_one)

    def _ask(self, path: str, asked: Mapping[str, Any], *, cost: int = 1) -> Any:
        self._left = None
        for tried in range(1, TRIES + 1):
            try:
                return self._ask_once(path, asked)
            except TwelveDataError as error:
                if tried == TRIES or not is_worth_repeating(error):
                    raise
                pause_s = PAUSE_S * 2 ** (tried - 1) * (1 + self._draw() / 2)
                if self._pause(pause_s):
                    raise
                if isinstance(error, Unreachable) and not self._may_repeat(cost):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _may_repeat(self, cost: int) -> bool:
        """Say whether there are credits for a question whose answer was lost, and take them."""
        return (self._left is None or self._left >= cost) and self._pay(cost)

    def _ask_once(self, path: str, asked: Mapping[str, Any]) -> Any:
        try:
            with self._session.get(
                f"{self._base_url}/{path}",
                params=dict(asked),
                timeout=(CONNECT_S, self._read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._note(response.headers)
                text = self._read(response)
        except requests.RequestException as error:
            # Its words may hold the address, never the key; the kind of the fault is enough.
            raise Unreachable(f"{path}: {type(error).__name__}") from None
        if response.status_code == 200:
            return parsing.read_document(text)
        raise _fault(response.status_code, text)

    def _read(self, response: requests.Response) -> str:
        """Return the body, if it comes whole, in time and at a size that can be."""
        until_s = time.monotonic() + self._answer_s
        parts, size = [], 0
        for part in response.iter_content(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > BODY_MAX:
                raise Unreadable("too long an answer")
            if time.monotonic() > until_s:
                raise Unreachable("too slow an answer")
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise Unreadable("no text") from None

    def _note(self, headers: Mapping[str, str]) -> None:
        used = read_header(headers.get("api-credits-used"))
        left = read_header(headers.get("api-credits-left"))
        if used is not None and left is not None:
            self._left = left
            self._hear(Counted(used, left))


def is_about_everything(error: TwelveDataError) -> bool:
    """Say whether an error concerns every question, not the one symbol that was asked about."""
    return error.code in (401, 429) or is_worth_repeating(error)


def _fault(status: int, text: str) -> TwelveDataError:
    """Return the error of a status other than 200: what the body says, if it says something."""
    try:
        parsing.read_document(text)
    except Unreadable:
        pass
    except TwelveDataError as told:
        return told
    if status < 400:
        return Unreadable("an answer from somewhere else", code=status)
    return error_of(status, f"HTTP {status}")
