"""Single wishes for a quote that come close together become one question.

Whoever asks first waits for 50 ms, so that the others can come along. A question is no larger than
the credits that are left; who finds no room waits for more, and is refused after a while.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from instruments.twelvedata.errors import MinuteExhausted, TwelveDataError

T = TypeVar("T")

WINDOW_S = 0.05
RETRY_S = 1.0
"""How long wishes without room wait for the next look."""
PATIENCE_S = 70.0
"""Longer than a minute: whoever finds one without credits meets the next."""


class Coalescer(Generic[T]):
    """ask() from any thread; run() in one of its own, until stop().

    room(n) takes up to n credits and returns how many; fetch asks for so many tokens at once and
    may raise TwelveDataError, which everybody in that question gets.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[str]], Mapping[str, T | TwelveDataError]],
        room: Callable[[int], int],
        timer_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._room, self._timer_s = fetch, room, timer_s
        self._lock = threading.Lock()
        self._wishes: dict[str, tuple[float, Future[T]]] = {}
        self._wake, self._stopped = threading.Event(), threading.Event()

    def ask(self, token: str) -> "Future[T]":
        """Return the answer to come; who asks for what is wished already shares it."""
        with self._lock:
            known = self._wishes.get(token)
            if known is not None:
                return known[1]
            future: Future[T] = Future()
            self._wishes[token] = self._timer_s(), future
        self._wake.set()
        return future

    def run(self) -> None:
        """Answer wishes until stopped; what is left then is refused."""
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            self._stopped.wait(WINDOW_S)
            while self.flush() and not self._stopped.wait(RETRY_S):
                pass
        self._refuse(self._all(), TwelveDataError("stopped"))

    def stop(self) -> None:
        """Let run() end at once."""
        self._stopped.set()
        self._wake.set()

    def flush(self) -> int:
        """Ask for what is wished, as far as there is room; return how many wishes are left."""
        self._refuse(self._expired(), MinuteExhausted("no credits for it in time", code=429))
        with self._lock:
            tokens = list(self._wishes)
        granted = self._room(len(tokens)) if tokens else 0
        tokens = tokens[:granted]
        if tokens:
            self._answer(tokens)
        with self._lock:
            return len(self._wishes)

    def _answer(self, tokens: Sequence[str]) -> None:
        try:
            answers = self._fetch(tokens)
        except TwelveDataError as error:
            answers = dict.fromkeys(tokens, error)
        unheard = TwelveDataError("nothing was said of it")
        for token in tokens:
            answer = answers.get(token, unheard)
            for future in self._taken(token):
                if isinstance(answer, TwelveDataError):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _expired(self) -> list[str]:
        oldest_s = self._timer_s() - PATIENCE_S
        with self._lock:
            return [token for token, (at_s, _) in self._wishes.items() if at_s < oldest_s]

    def _all(self) -> list[str]:
        with self._lock:
            return list(self._wishes)

    def _refuse(self, tokens: Sequence[str], error: TwelveDataError) -> None:
        for token in tokens:
            for future in self._taken(token):
                future.set_exception(error)

    def _taken(self, token: str) -> "list[Future[T]]":
        """Take a wish out, if it still wants its answer."""
        with self._lock:
            _, future = self._wishes.pop(token)
        return [future] if future.set_running_or_notify_cancel() else []
