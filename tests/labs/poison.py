"""Lab: a message that ends the process that works it, and somebody who starts that again.

    BENGI_DATABASE=FILE python -m tests.labs.poison order|cancel|tick|split

Each life is a process of its own with an engine and a feed of two instruments. Whoever works the
poison dies by SIGKILL, at once. Prints one JSON line: how many lives it took until one went on for
a second, and everything that is wrong then. Ends by itself, at the latest after LIVES_MAX lives.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.labs.stage import PRICE, Stage, set_up

LIVES_MAX = 12
LIFE_S = 1.0
POISON = "poison"


def live(kind: str, stages: list[Stage]) -> None:
    """Work until LIFE_S is over, or until the poison is worked."""
    from bengi import clock
    from bengi.bus import NUDGE, TICKS, get_bus
    from trades.engine import Engine
    from trades.loop import EngineLoop
    from trades.session import SessionHours

    plant(kind, stages[0])
    loop = EngineLoop(Engine(0, hours=SessionHours("always")), clock.now)
    get_bus().subscribe(TICKS, loop.on_ticks)
    get_bus().subscribe(NUDGE, loop.nudge)
    feed = threading.Thread(target=quotes, args=(stages,), daemon=True)
    feed.start()
    threading.Timer(LIFE_S, loop.stop).start()
    loop.run()


def quotes(stages: list[Stage]) -> None:
    from tests.labs.stage import quote

    while True:
        for stage in stages:
            quote(stage)
        time.sleep(0.02)


def plant(kind: str, stage: Stage) -> None:
    """Let the process die by what the kind says."""
    from trades import engine, work
    from trades.matching.market import Market

    def deadly(owner: Any, name: str, is_it: Any) -> None:
        right = getattr(owner, name)

        def wrong(*args: Any, **kwargs: Any) -> Any:
            if is_it(*args):
                os.kill(os.getpid(), signal.SIGKILL)
            return right(*args, **kwargs)

        setattr(owner, name, wrong)

    def is_poison(_: Any, order: Any, *__: Any) -> bool:
        return bool(order.client_order_id == POISON)

    if kind == "order":
        deadly(work.Desk, "_submit", is_poison)
    elif kind == "cancel":
        deadly(work.Desk, "_cancel", is_poison)
    elif kind == "tick":
        instrument_id = str(stage.instrument_id)
        deadly(Market, "on_quote", lambda market, *_: market.instrument_id == instrument_id)
    else:
        deadly(engine, "apply_split", lambda *_: True)


def prepare(kind: str) -> list[Stage]:
    """Set up two instruments with a trader each, an innocent order, and what is deadly."""
    from instruments.models import Instrument
    from orders.models import Order
    from orders.services import request_cancel

    one = set_up(PRICE * 1000)
    first = Instrument.objects.get(id=one.instrument_id)
    other = Instrument.objects.get(id=one.instrument_id)
    other.pk, other.symbol, other._state.adding = None, "OTHER", True
    other.id = type(first)._meta.pk.get_default()
    other.save()
    two = replace(set_up(PRICE * 1000), instrument_id=other.id)
    place(one, POISON, "LAB")
    place(two, "innocent", "OTHER")
    if kind == "cancel":
        order = Order.objects.select_related("account__user").get(client_order_id=POISON)
        request_cancel(order.id, order.account.user, now=datetime.now(UTC))
    if kind == "split":
        agree_on_a_split(first)
    return [one, two]


def place(stage: Stage, key: str, symbol: str, now: datetime | None = None, **terms: Any) -> Any:
    """Place a limit order for one share at PRICE, or on other terms; return it."""
    from bengi.terms import OrderType, Side, TimeInForce
    from orders.fast_lane import admit
    from orders.tickets import OrderTicket
    from tests.labs.stage import quote

    quote(stage, at=now)
    values = {"side": Side.BUY, "quantity": Decimal(1), "limit_price": PRICE} | terms
    ticket = OrderTicket(
        account_id=stage.account_id,
        portfolio_id=stage.portfolio_id,
        symbol=symbol,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        client_order_id=key,
        confirm_duplicate=True,
        **values,
    )
    return admit(ticket, now=now or datetime.now(UTC)).order


def agree_on_a_split(instrument: Any) -> None:
    """Let two of staff have agreed, some days ago, on a split that is due by now."""
    from accounts.models import User
    from bengi.terms import CorporateActionKind
    from trades.corporate.proposals import approve_action, propose
    from trades.corporate.terms import ActionTerms

    one, two = (
        User.objects.create(email=f"staff{n}@bengi.example", is_staff=True) for n in range(2)
    )
    then = datetime.now(UTC) - timedelta(days=3)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    terms = ActionTerms(CorporateActionKind.SPLIT, yesterday, ratio_to=2, ratio_from=1)
    approve_action(propose(one, instrument, terms, now=then).id, two, now=then)


def told_after(lives: int) -> dict[str, Any]:
    from bengi.books import check_books
    from bengi.replay import differences, fold_log
    from instruments.models import Instrument
    from orders.models import Order
    from trades.models import SetAside, Shard

    wrong = [line for lines in check_books().values() for line in lines]
    orders = dict(Order.objects.values_list("client_order_id", "status"))
    rows = SetAside.objects.values("kind", "tries", "outcome", "has_halted")
    return {
        "lives": lives,
        "wrong": [*wrong, *differences(fold_log())],
        "orders": orders,
        "halted": list(Instrument.objects.filter(status="halted").values_list("symbol", flat=True)),
        "set_aside": list(rows),
        "starts": Shard.objects.get(id=0).starts,
    }


def main(kind: str) -> None:
    from django.db import connection

    stages = prepare(kind)
    connection.close()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.labs.preload", "tests.labs.poison"])
    lives, ended = 0, -1
    while ended != 0 and lives < LIVES_MAX:
        life = processes.Process(target=live, args=(kind, stages))
        life.start()
        life.join()
        lives, ended = lives + 1, life.exitcode or 0
    print(json.dumps(told_after(lives)))
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "bengi.settings.test"
    import django

    django.setup()
    main(sys.argv[1])
