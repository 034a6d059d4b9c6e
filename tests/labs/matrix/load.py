"""Traders who place and cancel over HTTP, and remember what they were told.

Who gets no answer says the same again until there is one, as docs/operations.md tells clients to.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

SYMBOLS = ("AAPL", "MSFT", "NVDA", "KO", "JPM", "XOM")
"""Of both shards and of two exchanges."""
EXCHANGES = ("XNAS", "XNYS")
PASSWORD = "correct horse battery"
ANSWER_S_MAX = 15
PATIENCE_S = 45
"""For so long somebody says the same again."""
PAUSE_S = 0.15
UNANSWERED = {502, 503, 504}
REFUSED = {403, 409, 422}


@dataclass
class Told:
    """What was answered, in a burst or over all of them."""

    orders: dict[str, str] = field(default_factory=dict)
    """The id of each acknowledged order, by its key."""
    canceled: set[str] = field(default_factory=set)
    """Ids of orders whose cancel was acknowledged."""
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Trader:
    """Somebody with an account; for one thread at a time."""

    def __init__(self, site: str, email: str, told: Told) -> None:
        self._site, self._email, self._told = f"{site}/api/v1", email, told
        self._api = requests.Session()

    def trade(self, seed: str, prices: dict[str, float], is_over: threading.Event) -> None:
        """Place an order after the other, and cancel now and then, until it is over."""
        chance = random.Random(seed)
        number = 0
        while not is_over.is_set():
            key, number = f"{seed}-{number}", number + 1
            order = self.place(key, **_terms(chance, prices))
            if order and chance.random() < 0.3:
                self.cancel(order["id"])

    def rest(self, key: str, symbol: str, prices: dict[str, float], **terms: str) -> None:
        """Place a buy far below the market."""
        limit = f"{prices[symbol] * 0.93:.2f}"
        body = {"side": "buy", "type": "limit", "quantity": "1", "limit_price": limit, **terms}
        self.place(key, symbol=symbol, **body)

    def place(self, key: str, **terms: str) -> Any:
        """Place an order until there is an answer; return the order, None where it is refused."""
        body = {"client_order_id": key, "confirm_duplicate": True, **terms}
        answer = self._until_answered("orders", body)
        if answer is None or answer.status_code in REFUSED:
            return None
        order = answer.json()
        before = self._told.orders.setdefault(key, order["id"])
        if before != order["id"]:
            self._told.wrong.append(f"{key} has made two orders")
        return order

    def cancel(self, order_id: str) -> None:
        answer = self._until_answered(f"orders/{order_id}/cancel", {})
        if answer is not None and answer.ok:
            self._told.canceled.add(order_id)

    def cancel_all(self) -> None:
        self._until_answered("orders/cancel-all", {})

    def _until_answered(self, path: str, body: dict[str, Any]) -> requests.Response | None:
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            answer = self._ask(path, body)
            if answer is not None and answer.status_code == 401:
                self._sign_in()
            elif answer is not None and answer.status_code not in UNANSWERED:
                self._count(path, answer)
                return answer
            else:
                self._told.counts["unanswered"] += 1
                time.sleep(PAUSE_S)
        self._told.wrong.append(f"{path} of {body} was not answered within {PATIENCE_S} s")
        return None

    def _count(self, path: str, answer: requests.Response) -> None:
        self._told.counts[str(answer.status_code)] += 1
        if not answer.ok and answer.status_code not in REFUSED:
            self._told.wrong.append(f"{path}: {answer.status_code} {answer.text[:300]}")

    def _ask(self, path: str, body: dict[str, Any]) -> requests.Response | None:
        try:
            return self._api.post(f"{self._site}/{path}", json=body, timeout=ANSWER_S_MAX)
        except requests.RequestException:
            return None

    def _sign_in(self) -> None:
        answer = self._ask("auth/login", {"email": self._email, "password": PASSWORD})
        if answer is not None and answer.ok:
            self._api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        else:
            time.sleep(PAUSE_S)


class Burst:
    """Traders who all trade at once, each in a thread, until the end is said."""

    def __init__(self, traders: list[Trader], seed: str, prices: dict[str, float]) -> None:
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=trader.trade, args=(f"{seed}-{n}", prices, self._is_over))
            for n, trader in enumerate(traders)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let nobody begin another order; return once everybody has their answer."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()


def _terms(chance: random.Random, prices: dict[str, float]) -> dict[str, str]:
    symbol, kind = chance.choice(SYMBOLS), chance.random()
    side = chance.choice(("buy", "buy", "sell"))
    terms = {"symbol": symbol, "side": side, "quantity": str(chance.randint(1, 3))}
    if kind < 0.5:
        return {**terms, "type": "market", "time_in_force": "day"}
    away = chance.choice((0.93, 0.97, 0.999, 1.001, 1.01))
    in_force = chance.choice(("day", "gtc"))
    limit = f"{prices[symbol] * away:.2f}"
    return {**terms, "type": "limit", "limit_price": limit, "time_in_force": in_force}
