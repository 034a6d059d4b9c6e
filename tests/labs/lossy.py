"""A link that loses, repeats and reorders what goes over it, and a client that lives with that.

The client knows of the product what docs/stream.md tells. Its state is folded from messages alone:
orders as they are told, shares and cash from trades, prices by their age.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

Frame = dict[str, Any]
HARM = 0.3
"""The share of frames that are lost, repeated or held back behind the next one; a third each."""


class Link:
    """One direction of a bad line."""

    def __init__(self, random: Random) -> None:
        self.done: Counter[str] = Counter()
        self._random = random
        self._held: list[str] = []

    def carry(self, frame: str) -> Iterator[str]:
        """Return what arrives when a frame is sent: nothing, it, more than it."""
        fate = self._fate()
        self.done[fate] += 1
        held, self._held = self._held, []
        if fate == "held":
            self._held = [frame]
        elif fate != "lost":
            yield frame
            if fate == "repeated":
                yield frame
        yield from held

    def _fate(self) -> str:
        drawn = self._random.random()
        if drawn >= HARM:
            return "carried"
        return ("lost", "repeated", "held")[int(drawn / HARM * 3)]


class Client:
    """Follows one account and some prices. say sends a message, load reads a state that fits a seq.

    A gap is answered by one RESUME. What nobody answers is asked again by nag(): a message may be
    lost, and so may the last event, after which none comes to show the gap.
    """

    def __init__(
        self,
        account: str,
        symbols: list[str],
        say: Callable[[Frame], None],
        load: Callable[[int], Any],
    ) -> None:
        self.topic = f"account:{account}"
        self.seq: int | None = None
        self.orders: dict[str, Frame] = {}
        self.shares: dict[str, Decimal] = {}
        self.cash = Decimal(0)
        self.prices: dict[str, Frame] = {}
        self.seen: Counter[str] = Counter()
        self._say = say
        self._load = load
        self._loading: asyncio.Task[None] | None = None
        self._asked: int | None = None
        self._price_topics = [f"prices:{symbol}" for symbol in symbols]

    def nag(self) -> None:
        """Ask for what has not come: by the clock, not by what is heard."""
        wanted, self._asked = self._price_topics, None
        if self.seq is None:
            self._say({"type": "SUBSCRIBE", "topics": [*wanted, self.topic]})
        else:
            self._say({"type": "SUBSCRIBE", "topics": wanted})
            self._resume()

    def hear(self, text: str) -> None:
        """Take one frame, whatever came before it."""
        message = json.loads(text)
        kind = message["type"]
        self.seen[kind] += 1
        if kind == "PRICE_UPDATE":
            self._hear_prices(message["prices"])
        elif kind == "SUBSCRIBED":
            told = [each for each in message["topics"] if each["topic"] == self.topic]
            if told and self.seq is None:
                self._load_state(told[0]["seq"])
        elif kind == "ERROR":
            assert message["code"] in {"resync_required", "rate_limited"}, message
            if message["code"] == "resync_required" and self.seq is not None:
                self.seen["resync"] += 1
                self._load_state(self.seq)
                self.seq = None
        elif message.get("topic") == self.topic and self.seq is not None:
            self._hear_event(message)

    async def settled(self) -> None:
        """Return once no state is being loaded."""
        while self._loading is not None:
            await self._loading

    def _hear_prices(self, prices: list[Frame]) -> None:
        for price in prices:
            known = self.prices.get(price["symbol"])
            if known is None or known["as_of"] <= price["as_of"]:
                self.prices[price["symbol"]] = price

    def _hear_event(self, message: Frame) -> None:
        assert self.seq is not None
        if message["seq"] > self.seq + 1:
            self.seen["gap"] += 1
            self._resume()
        if message["seq"] != self.seq + 1:
            return
        self.seq += 1
        if "order" in message:
            self.orders[message["order"]["id"]] = message["order"]
        if "trade" in message:
            self._book(message["trade"])

    def _book(self, trade: Frame) -> None:
        """Count shares and cash; a bust has the signs of its trade turned."""
        sign = 1 if trade["side"] == "buy" else -1
        symbol = trade["symbol"]
        held = self.shares.get(symbol, Decimal(0)) + sign * Decimal(trade["quantity"])
        self.shares[symbol] = held
        self.cash += Decimal(trade["net_amount"])

    def _resume(self) -> None:
        if self._asked != self.seq:
            self._asked = self.seq
            self._say({"type": "RESUME", "topic": self.topic, "after": self.seq})

    def _load_state(self, after: int) -> None:
        if self._loading is None:
            self.seen["load"] += 1
            self._loading = asyncio.get_running_loop().create_task(self._take_state(after))

    async def _take_state(self, after: int) -> None:
        state = await self._load(after)
        self._loading = None
        self.seq, self.cash = state.seq, state.cash
        self.orders, self.shares = dict(state.orders), dict(state.shares)
        self._resume()
