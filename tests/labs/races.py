"""Lab: people and engines race each other for the same money and shares, round after round.

    DATABASE_URL=... python -m tests.labs.races ROUNDS

Each racer is a thread with a connection of its own; a barrier lets them go at the same moment.
After every race the books are checked and the log is folded. Prints one JSON line: by race how the
rounds ended, and everything that went wrong. It ends by itself, at the latest after TIMEOUT_S.
"""

import json
import os
import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.labs.bust_races import bust_against_fill, bust_against_sell
from tests.labs.stage import PRICE, SYMBOL, Stage, quote, set_up

TIMEOUT_S = 480
RACERS = 4
LOW, HIGH = PRICE - 5, PRICE + 5
Job = Callable[[], str]


class Crew:
    """Threads that each keep a connection; together() runs one job on each at the same moment."""

    def __init__(self) -> None:
        self.inboxes = [queue.Queue[Job | None]() for _ in range(RACERS)]
        self.answers = queue.Queue[tuple[int, str]]()
        self.line = threading.Barrier(1)
        self.give_up_at_s = time.monotonic() + TIMEOUT_S
        for number, inbox in enumerate(self.inboxes):
            threading.Thread(target=self._run, args=(number, inbox), daemon=True).start()

    def together(self, jobs: Sequence[Job]) -> list[str]:
        """Return what each job answered: its own word, or the code of the error it met."""
        self.line = threading.Barrier(len(jobs))
        for job, inbox in zip(jobs, self.inboxes, strict=False):
            inbox.put(job)
        left_s = self.give_up_at_s - time.monotonic()
        found = dict(self.answers.get(timeout=max(left_s, 1)) for _ in jobs)
        return [found[number] for number in range(len(jobs))]

    def _run(self, number: int, inbox: "queue.Queue[Job | None]") -> None:
        from django.db import connection

        while (job := inbox.get()) is not None:
            self.line.wait(20)
            self.answers.put((number, self._answer(job)))
        connection.close()

    def _answer(self, job: Job) -> str:
        from django.db import DatabaseError

        from bengi.errors import BengiError
        from trades.engine import Fenced

        try:
            return job()
        except BengiError as error:
            return error.code
        except Fenced:
            return "fenced"
        except (DatabaseError, AssertionError) as error:
            return f"{type(error).__name__}: {error}"


class Track:
    """Three traders, one instrument, two engines that hear the same ticks."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.chance = random.Random("races")
        self.first, self.second, self.third = (set_up(PRICE * 1000) for _ in range(3))
        self.crew = Crew()
        self.told: dict[str, Counter[str]] = {}
        self.wrong: list[str] = []
        self.count = 0
        from trades.engine import Engine
        from trades.session import SessionHours

        hours = SessionHours("always")
        self.engines = [Engine(0, hours=hours) for _ in range(2)]

    # --- what racers do

    def place(self, stage: Stage, side: str, limit: Decimal, quantity: int = 1) -> Job:
        """Return the job of placing an order that rests until a quote meets it.

        Every second one comes in through the fast lane, the others each in a transaction of their
        own, as those of other processes do.
        """
        from orders.fast_lane import admit
        from orders.services import place_order

        ticket = self.ticket(stage, side, limit, quantity)
        accept = admit if self.count % 2 else place_order

        def job() -> str:
            accept(ticket, now=datetime.now(UTC))
            return "accepted"

        return job

    def ticket(self, stage: Stage, side: str, limit: Decimal, quantity: int = 1) -> Any:
        from bengi.terms import OrderType, Side, TimeInForce
        from orders.tickets import OrderTicket

        self.count += 1
        return OrderTicket(
            account_id=stage.account_id,
            portfolio_id=stage.portfolio_id,
            symbol=SYMBOL,
            side=Side(side),
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            quantity=Decimal(quantity),
            limit_price=limit,
            client_order_id=f"race-{self.count}",
            confirm_duplicate=True,
        )

    def place_bracket(self, stage: Stage) -> Any:
        """Buy one at the market, for sale above and below it; return the entry."""
        from msgspec import structs

        from bengi.terms import OrderClass
        from orders.legs import StopLoss, TakeProfit
        from orders.services import place_order

        ticket = structs.replace(
            self.ticket(stage, "buy", PRICE),
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfit(HIGH),
            stop_loss=StopLoss(stop_price=LOW),
        )
        return place_order(ticket, now=datetime.now(UTC)).order

    def cancel(self, order: Any) -> Job:
        from orders.services import request_cancel

        def job() -> str:
            request_cancel(order.id, order.account.user, now=datetime.now(UTC))
            return "asked"

        return job

    def replace(self, order: Any, limit: Decimal) -> Job:
        from orders.replacing import request_replace

        self.count += 1
        changes, key = {"limit_price": limit}, f"race-{self.count}"

        def job() -> str:
            request_replace(order.id, order.account.user, changes, key=key, now=datetime.now(UTC))
            return "asked"

        return job

    def drain(self, engine: Any) -> Job:
        def job() -> str:
            engine.drain(datetime.now(UTC))
            return "drained"

        return job

    def hear_and_drain(self, price: Decimal) -> Job:
        """Return the job of working a quote that comes some milliseconds late."""

        def job() -> str:
            self.hear(price)
            return self.drain(self.engines[0])()

        return self.late(job)

    def late(self, job: Job) -> Job:
        """Return the job begun some milliseconds late."""
        pause_s = self.chance.randint(0, 60) / 1000

        def later() -> str:
            time.sleep(pause_s)
            return job()

        return later

    # --- before and after

    def hear(self, price: Decimal, size: int = 100_000) -> None:
        """Let both engines hear a quote around price that is there for everybody."""
        from bengi.bus import TICKS, get_bus

        unsubscribe = [get_bus().subscribe(TICKS, engine.on_ticks) for engine in self.engines]
        quote(self.first, size=size, price=price)
        for each in unsubscribe:
            each()

    def settle(self) -> None:
        """Let the first engine work all there is; the books it had may be overtaken."""
        from trades.engine import Fenced

        while True:
            try:
                if not self.engines[0].drain(datetime.now(UTC)):
                    return
            except Fenced:
                continue

    def clear(self) -> None:
        """Cancel what is open."""
        from orders.models import Order

        self.settle()
        for order in Order.objects.filter(closed_at__isnull=True).select_related("account__user"):
            self.cancel(order)()
        self.settle()

    def buy_shares(self, stage: Stage, quantity: int) -> None:
        self.hear(PRICE)
        self.place(stage, "buy", PRICE, quantity)()
        self.settle()

    def note(self, race: str, answers: Sequence[str], *, allowed: set[str]) -> None:
        """Count how a round ended; an answer nobody may get is wrong."""
        self.told.setdefault(race, Counter()).update([" + ".join(sorted(answers))])
        self.wrong += [f"{race}: {answer}" for answer in answers if answer not in allowed]

    def check(self, race: str) -> None:
        from bengi.books import check_books
        from bengi.replay import differences, fold_log

        lines = [line for lines in check_books().values() for line in lines]
        self.wrong += [f"{race}: {line}" for line in [*lines, *differences(fold_log())]]


# --- the races


def double_spend(track: Track) -> None:
    """Cash for one order, wanted by four: one is accepted."""
    allowed = {"accepted", "insufficient_funds"}
    spare = _free_cash(track.first) - PRICE
    track.hear(PRICE + 1)
    track.place(track.first, "buy", LOW, int(spare / LOW))()
    wanted = _free_cash(track.first)
    for _ in range(track.rounds):
        jobs = [track.place(track.first, "buy", LOW, int(wanted / LOW)) for _ in range(RACERS)]
        answers = track.crew.together(jobs)
        track.note("double spend", answers, allowed=allowed)
        if answers.count("accepted") != 1:
            track.wrong.append(f"double spend: {answers}")
        _close_newest(track, "buy")
    track.clear()


def sell_against_sell(track: Track) -> None:
    """One share, sold by four: one is accepted."""
    track.buy_shares(track.first, 1)
    for _ in range(track.rounds):
        jobs = [track.place(track.first, "sell", HIGH) for _ in range(RACERS)]
        answers = track.crew.together(jobs)
        track.note("sell against sell", answers, allowed={"accepted", "insufficient_position"})
        if answers.count("accepted") != 1:
            track.wrong.append(f"sell against sell: {answers}")
        _close_newest(track, "sell")
    track.clear()


def withdraw_against_buy(track: Track) -> None:
    """All the free cash is withdrawn and spent at the same moment: one of the two gets it."""
    from accounts.models import Account
    from accounts.services import deposit, withdraw

    account = Account.objects.select_related("user").get(id=track.second.account_id)
    allowed = {"accepted", "withdrawn", "insufficient_funds", "insufficient_available"}
    for number in range(track.rounds):
        free = _free_cash(track.second)

        def pay_out(amount: Decimal = free, key: str = f"out-{number}") -> str:
            withdraw(account.id, amount, "USD", key=key, now=datetime.now(UTC))
            return "withdrawn"

        spend = track.place(track.second, "buy", LOW, int(free / LOW))
        answers = track.crew.together([spend, pay_out])
        track.note("withdraw against buy", answers, allowed=allowed)
        if answers[1] == "withdrawn":
            deposit(account, free, "USD", key=f"back-{number}", now=datetime.now(UTC))
        if answers[0] == "accepted":
            _close_newest(track, "buy")
        if answers.count("accepted") + answers.count("withdrawn") != 1:
            track.wrong.append(f"withdraw against buy: {answers}")
    track.clear()


def cancel_against_fill(track: Track) -> None:
    """Two engines work the quote that fills an order while its owner cancels it twice."""
    from orders.models import Order

    allowed = {"asked", "order_not_cancelable", "drained", "fenced"}
    for _ in range(track.rounds):
        track.hear(PRICE)
        track.place(track.first, "buy", LOW)()
        track.settle()
        order = Order.objects.select_related("account__user").latest("id")
        jobs = [track.hear_and_drain(LOW), track.drain(track.engines[1])]
        answers = track.crew.together([*jobs, track.cancel(order), track.cancel(order)])
        track.settle()
        order.refresh_from_db()
        ended = f"{order.status} {order.filled_quantity.normalize():f}"
        track.note("cancel against fill", [ended], allowed={"filled 1", "canceled 0"})
        track.wrong += [f"cancel against fill: {a}" for a in answers if a not in allowed]
    track.clear()


def replace_against_fill(track: Track) -> None:
    """Two engines work the quote that fills an order while its owner replaces it twice."""
    from orders.models import Order

    allowed = {"asked", "order_not_replaceable", "drained", "fenced"}
    for _ in range(track.rounds):
        track.hear(PRICE)
        track.place(track.first, "buy", LOW)()
        track.settle()
        order = Order.objects.select_related("account__user").latest("id")
        jobs = [track.hear_and_drain(LOW), track.drain(track.engines[1])]
        lower = [track.replace(order, LOW - cents / Decimal(100)) for cents in (1, 2)]
        answers = track.crew.together([*jobs, *lower])
        track.settle()
        order.refresh_from_db()
        ended = f"{order.status} {order.filled_quantity.normalize():f}"
        track.note("replace against fill", [ended], allowed={"filled 1", "replaced 0"})
        track.wrong += [f"replace against fill: {a}" for a in answers if a not in allowed]
        if answers.count("asked") > 1:
            track.wrong.append(f"replace against fill: {answers}")
        for left in Order.objects.filter(closed_at__isnull=True).select_related("account__user"):
            track.cancel(left)()
    track.clear()


def cancel_against_a_leg(track: Track) -> None:
    """Two engines work the quote that fills one leg of a bracket while both are canceled.

    Either the one is sold and nothing else, or nothing is and both are gone.
    """
    from orders.models import Order

    allowed = {"asked", "order_not_cancelable", "drained", "fenced"}
    for _ in range(track.rounds):
        track.hear(PRICE)
        entry = track.place_bracket(track.first)
        track.settle()
        legs = list(Order.objects.filter(parent=entry).select_related("account__user"))
        jobs = [track.hear_and_drain(HIGH + 1), track.drain(track.engines[1])]
        answers = track.crew.together([*jobs, *map(track.cancel, legs)])
        track.settle()
        found = Order.objects.filter(parent=entry).order_by("leg")
        ended = " and ".join(f"{leg.status} {leg.filled_quantity.normalize():f}" for leg in found)
        told = {"canceled 0 and canceled 0", "canceled 0 and filled 1"}
        track.note("cancel against a leg", [ended], allowed=told)
        track.wrong += [f"cancel against a leg: {a}" for a in answers if a not in allowed]
    track.clear()


def batches_in_opposite_order(track: Track) -> None:
    """Two clients place for both accounts in opposite orders while the engine books both."""
    from orders.services import place_orders

    def batch(stages: Sequence[Stage]) -> Job:
        tickets = [track.ticket(stage, "buy", LOW) for stage in stages]

        def job() -> str:
            answers = place_orders(tickets, now=datetime.now(UTC))
            return "accepted" if len(answers) == len(tickets) else str(answers)

        return job

    pair = (track.first, track.second)
    for _ in range(track.rounds // 4):
        track.hear(LOW)
        jobs = [batch(pair), batch(pair[::-1]), *map(track.drain, track.engines)]
        answers = track.crew.together(jobs)
        track.note("opposite order", answers, allowed={"accepted", "drained", "fenced"})
    track.clear()


RACES = [
    double_spend,
    sell_against_sell,
    withdraw_against_buy,
    cancel_against_fill,
    replace_against_fill,
    cancel_against_a_leg,
    bust_against_sell,
    bust_against_fill,
    batches_in_opposite_order,
]


def _free_cash(stage: Stage) -> Decimal:
    from accounts.models import CashBalance

    balance = CashBalance.objects.get(account_id=stage.account_id)
    return balance.amount - balance.reserved


def _close_newest(track: Track, side: str) -> None:
    from orders.models import Order

    order = Order.objects.select_related("account__user").filter(side=side).latest("id")
    track.cancel(order)()
    track.settle()


def main(rounds: int) -> None:
    track = Track(rounds)
    took_s = {}
    for race in RACES:
        started_s = time.monotonic()
        race(track)
        track.check(race.__name__)
        took_s[race.__name__] = round(time.monotonic() - started_s, 1)
    print(json.dumps({"told": track.told, "wrong": track.wrong[:20], "took_s": took_s}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
