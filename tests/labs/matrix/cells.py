"""A cell of the matrix: bring a state about, kill, wait until all is done, look at the books."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.labs.matrix import books
from tests.labs.matrix.load import SYMBOLS, Burst, Told, Trader
from tests.labs.matrix.victims import VICTIMS, Victims
from tests.supervised import ROOT

IDLE, BURST, CLOSE = STATES = ("idle", "burst", "close")
DRAINED_WITHIN_S = 30
GIVE_UP_S = 45
BEGUN = 8
"""So many orders are acknowledged before a burst counts as one."""
WAITS_WITHIN_S = 2
"""For so long a kill in a burst waits for work that it can interrupt."""
CLOSES_IN_S = 2.5
BURST_GOES_ON_S = 1.5


class Cell(NamedTuple):
    victim: str
    state: str

    def __str__(self) -> str:
        return f"{self.victim}/{self.state}"


ALL = tuple(Cell(victim, state) for victim in VICTIMS for state in STATES)


@dataclass
class Found:
    """What came of the cells so far."""

    kills: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    """Kills while something waited, by the cell's state."""
    slowest_s: float = 0.0
    slowest: str = ""
    wrong: list[str] = field(default_factory=list)


class Matrix:
    """Cells, one after the other, on one installation."""

    def __init__(self, victims: Victims, traders: list[Trader], told: Told) -> None:
        self._victims, self._traders, self._told = victims, traders, told
        self.found = Found()
        self._dividends = 0

    def play(self, cell: Cell, seed: str, turn: int) -> None:
        """One kill and what comes of it."""
        self._chance, self._prices = random.Random(seed), books.prices()
        state = {IDLE: self._idle, BURST: self._burst, CLOSE: self._close}[cell.state]
        began_s = time.monotonic()
        drained_s = state(cell, seed, turn)
        self._note_drain(cell, drained_s)
        if cell.victim == "kafka":
            self._bring_the_topics_back()
        for trader in self._traders:
            trader.cancel_all()
        patience_s = 1 if self.found.wrong else GIVE_UP_S
        if not books.until(lambda: not (books.waiting() or books.off_the_tape()), patience_s):
            left = books.waiting(), books.off_the_tape()
            self.found.wrong.append(f"{cell} {seed}: in the end waits {left}")
        lines = [*self._told.wrong, *books.wrong(self._told)]
        self.found.wrong += [f"{cell} {seed}: {line}" for line in lines]
        self._told.wrong.clear()
        took_s = time.monotonic() - began_s
        words = f"drained {drained_s:.1f} s after the kill, {took_s:.0f} s in all"
        print(f"{cell} {seed}: {words}, {len(self._told.orders)} orders", flush=True)
        for line in lines:
            print(f"  wrong: {line[:300]}", flush=True)

    def _idle(self, cell: Cell, seed: str, turn: int) -> float:
        """Orders rest and nothing is to be done; afterwards there is, for everybody."""
        self._let_rest(seed)
        books.until(lambda: not books.waiting(), GIVE_UP_S)
        killed_s = self._kill(cell, turn)
        self._agree_on_a_dividend()
        for number, symbol in enumerate(SYMBOLS):
            trader = self._traders[number % len(self._traders)]
            trader.place(f"{seed}-then-{symbol}", symbol=symbol, side="buy", type="market",
                         quantity="1")  # fmt: skip
        return self._drain(cell, killed_s)

    def _burst(self, cell: Cell, seed: str, turn: int) -> float:
        """Everybody places and cancels, before the kill and after it."""
        before = len(self._told.orders)
        burst = Burst(self._traders, seed, self._prices)
        try:
            while len(self._told.orders) < before + BEGUN:
                time.sleep(0.01)
            self._agree_on_a_dividend()
            time.sleep(self._chance.uniform(0, 0.4))
            books.until(lambda: bool(books.waiting()), WAITS_WITHIN_S)
            killed_s = self._kill(cell, turn)
            time.sleep(max(0.0, killed_s + BURST_GOES_ON_S - time.monotonic()))
        finally:
            burst.end()
        return self._drain(cell, killed_s)

    def _close(self, cell: Cell, seed: str, turn: int) -> float:
        """Orders of the day rest when the session ends; the kill is about then."""
        self._let_rest(seed)
        burst = Burst(self._traders[:2], seed, self._prices)
        try:
            self._agree_on_a_dividend()
            closes_at = books.close_in(CLOSES_IN_S)
            kill_at = closes_at + timedelta(seconds=self._chance.uniform(-0.3, 0.4))
            time.sleep(max(0.0, (kill_at - datetime.now(UTC)).total_seconds()))
            killed_s = self._kill(cell, turn, closes_at)
        finally:
            burst.end()
        drained_s = self._drain(cell, killed_s, closes_at)
        books.reopen()
        return drained_s

    def _let_rest(self, seed: str) -> None:
        for number, symbol in enumerate(SYMBOLS):
            for trader in self._traders[number % 2 :: 2]:
                for in_force in ("day", "gtc"):
                    key = f"{seed}-rests-{symbol}-{in_force}-{id(trader)}"
                    trader.rest(key, symbol, self._prices, time_in_force=in_force)

    def _agree_on_a_dividend(self) -> None:
        books.agree_on_a_dividend(self._dividends)
        self._dividends += 1

    def _kill(self, cell: Cell, turn: int, closes_at: datetime | None = None) -> float:
        """Kill, and return when that was."""
        waits = bool(books.waiting() or (closes_at and books.day_orders_from_before(closes_at)))
        self.found.pending[cell.state] += waits
        killed_s = time.monotonic()
        killed = self._victims.kill(cell.victim, turn)
        self.found.kills[str(cell)] += len(killed) or 1
        books.forget_connections()
        self._victims.await_again(cell.victim, killed)
        return killed_s

    def _drain(self, cell: Cell, killed_s: float, closes_at: datetime | None = None) -> float:
        """Wait until nothing waits; return how long after the kill that was."""
        has_tape = cell.victim != "kafka"

        def is_done() -> bool:
            left = books.waiting()
            if closes_at is not None:  # what came after the close waits for the next session
                left.pop("engine", None)
                left["engine"] = books.day_orders_from_before(closes_at)
            return not (any(left.values()) or (has_tape and books.off_the_tape()))

        if not books.until(is_done, GIVE_UP_S):
            self.found.wrong.append(f"{cell}: waits {books.waiting()}, {books.off_the_tape()}")
        return time.monotonic() - killed_s

    def _note_drain(self, cell: Cell, drained_s: float) -> None:
        if drained_s > self.found.slowest_s:
            self.found.slowest_s, self.found.slowest = drained_s, str(cell)
        if drained_s > DRAINED_WITHIN_S:
            self.found.wrong.append(f"{cell}: drained after {drained_s:.1f} s only")

    def _bring_the_topics_back(self) -> None:
        """Do what is to be done for brokers that have lost all they had."""
        manage, told = [sys.executable, "manage.py"], self._victims.environment()
        relay = subprocess.Popen(
            [*manage, "run_relay", "--from-start"], cwd=ROOT, env=told, stdout=subprocess.PIPE
        )
        try:
            assert relay.stdout is not None
            relay.stdout.readline()  # it has forgotten how far it was
            books.until(lambda: not books.waiting().get("relay"), GIVE_UP_S)
        finally:
            relay.terminate()
            relay.communicate(timeout=30)
        tape = [*manage, "run_tape", "--rebuild", "--until-end"]
        subprocess.run(tape, cwd=ROOT, env=told, check=True, capture_output=True, timeout=GIVE_UP_S)
