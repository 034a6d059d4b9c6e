"""Lab: let a small broker die at each of the named points, look at what is left, and go on.

    python -m tests.labs.points sqlite|postgres [two-commits] [POINT...]

Each point has a database of its own. A process with CRASH_AT set deposits, trades, cancels and, for
the points of a split, splits, and says what was acknowledged. It has to die at the point. With
everything down the books are checked, the events folded and what was acknowledged is looked for;
then an engine works what was left, and all is checked again. Prints one JSON line: by point what is
wrong. With two-commits a batch is booked in two transactions, and that has to be found.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LIFE_S_MAX = 60


def live(kind: str, is_planted: bool) -> None:
    """Trade until the point is reached; say every key as soon as it is acknowledged."""
    import django

    django.setup()
    import pytest

    from orders.services import request_cancel
    from tests.labs.poison import place
    from tests.labs.stage import PRICE, quote
    from tests.labs.victim import start_engine
    from tests.state.planted import TWO_COMMITS, plant

    if is_planted:
        plant(TWO_COMMITS, pytest.MonkeyPatch())
    stage = _stage()
    start_engine()
    for number in range(1000):
        quote(stage)
        for name, terms in (
            ("now", {}),
            ("rests", {"limit_price": PRICE - 2}),
            ("more", {"quantity": Decimal(3)}),
        ):
            try:
                order = place(stage, f"{name}-{number}", "LAB", **terms)
            except Exception:
                if not is_planted:
                    raise
                threading.Event().wait(LIFE_S_MAX)  # it has met the half; the engine dies of it
            print(order.client_order_id, flush=True)
            if name == "rests":
                request_cancel(order.id, order.account.user, now=datetime.now(UTC))
    sys.exit(f"{kind}: the point was never reached")


def _stage() -> Any:
    from accounts.models import Account
    from instruments.models import Instrument
    from portfolios.models import Portfolio
    from tests.labs.stage import Stage

    account = Account.objects.order_by("created_at").first()
    assert account is not None
    portfolio = Portfolio.objects.get(account=account)
    return Stage(account.id, portfolio.id, Instrument.objects.get(symbol="LAB").id)


def die_at(point: str, is_planted: bool) -> list[str]:
    """Prepare a database, let a process die at the point, and return what is wrong."""
    from django.core.management import call_command
    from django.db import connection

    from instruments.models import Instrument
    from tests.labs.poison import agree_on_a_split, place
    from tests.labs.stage import PRICE, set_up

    if connection.introspection.table_names():
        call_command("flush", verbosity=0, interactive=False)
    stage = set_up(PRICE * 100_000)
    if point.startswith("split."):
        then = datetime.now(UTC) - timedelta(days=3)
        place(stage, "holder", "LAB", now=then)
        drain(stage, then)
        agree_on_a_split(Instrument.objects.get(symbol="LAB"))
    connection.close()
    command = [sys.executable, "-m", "tests.labs.points", "live", *sys.argv[1:]]
    environment = {**os.environ, "CRASH_AT": point, "BENGI_LAB_PLANTED": "1" if is_planted else ""}
    life = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIFE_S_MAX
    )
    if life.returncode != -signal.SIGKILL:
        return [f"it did not die there: {life.returncode} {life.stderr[-500:]}"]
    acknowledged = set(life.stdout.split())
    wrong = [f"with everything down: {line}" for line in look(acknowledged)]
    if not wrong:
        drain(stage)
        wrong = [f"afterwards: {line}" for line in [*look(acknowledged), *stuck()]]
    connection.close()
    return wrong


def look(acknowledged: set[str]) -> list[str]:
    from bengi.books import check_books
    from bengi.replay import differences, fold_log
    from orders.models import Order
    from trades.models import SetAside

    known = set(Order.objects.values_list("client_order_id", flat=True))
    lines = [f"{key} is lost" for key in acknowledged - known]
    lines += [f"{row} was set aside" for row in SetAside.objects.all()]
    lines += [line for lines in check_books().values() for line in lines]
    return [*lines, *differences(fold_log())]


def stuck() -> list[str]:
    """Return what has not ended as it has to: bought, or taken back."""
    from instruments.models import CorporateAction
    from orders.models import Order

    wrong = []
    for order in Order.objects.all():
        ends = {"canceled", "new"} if order.client_order_id.startswith("rests") else {"filled"}
        if order.status not in ends:
            wrong.append(f"{order.client_order_id} is {order.status}")
    left = CorporateAction.objects.exclude(status="applied")
    return wrong + [f"the split is {action.status}" for action in left]


def drain(stage: Any, at: datetime | None = None) -> None:
    from bengi.bus import TICKS, get_bus
    from tests.labs.stage import quote
    from trades.engine import Engine
    from trades.session import SessionHours

    engine = Engine(0, hours=SessionHours("always"))
    engine.drain(at or datetime.now(UTC))
    unsubscribe = get_bus().subscribe(TICKS, engine.on_ticks)
    quote(stage, at=at)
    unsubscribe()
    while engine.drain(at or datetime.now(UTC)):
        continue


def main(kind: str, words: list[str]) -> None:
    from tests.labs.burst import database

    is_planted = "two-commits" in words
    with database(kind):
        import django

        django.setup()
        from django.db import connection

        from bengi.crash_points import POINTS

        asked = [word for word in words if word in POINTS] or list(POINTS)
        told = {point: [w[:200] for w in die_at(point, is_planted)[:5]] for point in asked}
        print(json.dumps(told))
        sys.stdout.flush()
        connection.close()
        if kind == "postgres":
            connection.close_pool()


if __name__ == "__main__":
    if sys.argv[1] == "live":
        live(sys.argv[2], bool(os.environ.get("BENGI_LAB_PLANTED")))
    else:
        main(sys.argv[1], sys.argv[2:])
