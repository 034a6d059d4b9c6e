"""What stands in the books: prepared for the lab, waiting to be done, wrong."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any

from tests.labs.matrix.load import EXCHANGES, PASSWORD, SYMBOLS, Told

TRADERS = 4
CASH = Decimal(20_000_000)
LOOK_S = 0.1
UNDECIDED = ("accepted", "pending_cancel", "pending_replace")


def prepare() -> list[str]:
    """Fill in an empty database: traders, whose emails are returned, and a holder of old shares."""
    from django.core.management import call_command

    from accounts.models import Account
    from accounts.services import deposit
    from bengi.onboarding import enroll

    call_command("prepare", stdout=io.StringIO())
    now = datetime.now(UTC)
    emails = [f"trader{number}@bengi.example" for number in range(TRADERS)]
    for email in emails:
        user = enroll(email, "Lab", PASSWORD, "trader", by=None, now=now)
        deposit(Account.objects.get(user=user), CASH, "USD", key="lab", now=now)
    _hold_old_shares()
    return emails


def _hold_old_shares() -> None:
    """Let somebody have bought, days ago, what dividends are paid on."""
    from accounts.models import User
    from tests.labs.points import drain
    from tests.labs.poison import place
    from tests.labs.stage import PRICE, set_up

    then = datetime.now(UTC) - timedelta(days=3)
    stage = set_up(PRICE * 100)
    place(stage, "holder", "LAB", now=then)
    drain(stage, then)
    for number in range(2):
        User.objects.create(email=f"staff{number}@bengi.example", is_staff=True)


def agree_on_a_dividend(number: int) -> None:
    """Let two of staff agree on a dividend that is due by now: the worker has to pay it."""
    from accounts.models import User
    from bengi.terms import CorporateActionKind
    from instruments.models import Instrument
    from trades.corporate.proposals import approve_action, propose
    from trades.corporate.terms import ActionTerms

    one, two = User.objects.filter(email__startswith="staff").order_by("email")[:2]
    now, lab = datetime.now(UTC), Instrument.objects.get(symbol="LAB")
    yesterday = (now - timedelta(days=1)).date()
    amount = Decimal(number + 1) / 100
    kind = CorporateActionKind.CASH_DIVIDEND
    terms = ActionTerms(kind, yesterday, amount=amount, currency="USD", pay_date=yesterday)
    approve_action(propose(one, lab, terms, now=now).id, two, now=now)


def prices() -> dict[str, float]:
    """Return what was last paid."""
    from instruments.models import Quote

    rows = Quote.objects.filter(instrument__symbol__in=SYMBOLS, last__isnull=False)
    return {symbol: float(last) for symbol, last in rows.values_list("instrument__symbol", "last")}


def close_in(seconds: float) -> datetime:
    """Let staff end the sessions of the exchanges in so many seconds; return when that is."""
    from instruments.calendar import SpecialDay
    from instruments.days import override_day

    now = datetime.now(UTC)
    closes_at = now + timedelta(seconds=seconds)
    assert closes_at.date() == now.date(), "it is midnight"
    special = SpecialDay(clock_time(), closes_at.time(), note="crash matrix")
    for mic in EXCHANGES:
        override_day(mic, now.date(), special, by="crash matrix", now=now)
    return closes_at


def reopen() -> None:
    from instruments.days import restore_days
    from instruments.models import CalendarOverride

    restore_days(CalendarOverride.objects.all(), by="crash matrix", now=datetime.now(UTC))


def day_orders_from_before(closes_at: datetime) -> int:
    """Return how many day orders are open that had to end with a session."""
    from orders.lifecycle import OPEN
    from orders.models import Order

    rows = Order.objects.filter(status__in=[each.value for each in OPEN], time_in_force="day")
    return rows.filter(instrument__mic__in=EXCHANGES, accepted_at__lt=closes_at).count()


def waiting() -> dict[str, int]:
    """Return what has been accepted and is not done yet, by who has to do it."""
    from bengi.events.models import RelayedStream
    from bengi.events.positions import count_behind
    from instruments.models import CorporateAction
    from orders.models import Order

    found = {
        "engine": Order.objects.filter(status__in=UNDECIDED).count(),
        "relay": count_behind(RelayedStream),
        "worker": CorporateAction.objects.filter(status__in=["approved", "applied"]).count(),
    }
    return {name: count for name, count in found.items() if count}


def off_the_tape() -> int:
    """Return how many trades are not on the tape."""
    from trades.models import TapePrint, Trade

    return Trade.objects.exclude(exec_id__in=TapePrint.objects.values("exec_id")).count()


def until(holds: Callable[[], bool], within_s: float) -> bool:
    """Ask the books until it holds, and go on asking while they cannot be asked."""
    from django.db import Error, connection

    give_up_s = time.monotonic() + within_s
    while time.monotonic() < give_up_s:
        with suppress(Error):
            if holds():
                return True
        connection.close_if_unusable_or_obsolete()
        time.sleep(LOOK_S)
    return False


def forget_connections() -> None:
    """Let go of what a killed server has left behind."""
    from django.db import connection

    connection.close()
    connection.close_pool()


def wrong(told: Told) -> list[str]:
    """Return what is not as it has to be, with nothing waiting: books, log, and what was said."""
    from bengi.books import check_books
    from bengi.replay import differences, fold_log
    from trades.models import SetAside

    lines = [line for found in check_books().values() for line in found]
    lines += differences(fold_log())
    lines += [f"{row} was set aside" for row in SetAside.objects.all()]
    return [*lines, *_broken_promises(told), *_tape_against_books()]


def _broken_promises(told: Told) -> Iterator[str]:
    from orders.lifecycle import OPEN
    from orders.models import Order

    rows = Order.objects.values_list("client_order_id", "id", "status")
    known: dict[str, list[Any]] = {}
    for key, order_id, status in rows:
        known.setdefault(key, []).append((str(order_id), status))
    still_open = {each.value for each in OPEN}
    for key, order_id in list(told.orders.items()):
        if [each for each, _ in known.get(key, [])] != [order_id]:
            yield f"{key} was acknowledged as {order_id} and is {known.get(key)}"
    for found in known.values():
        for order_id, status in found:
            if order_id in told.canceled and status in still_open:
                yield f"the cancel of {order_id} was acknowledged, it is {status}"


def _tape_against_books() -> Iterator[str]:
    """What is on the tape must have happened; see off_the_tape() for the other way round."""
    from trades.models import TapePrint, Trade

    printed = dict(TapePrint.objects.values_list("exec_id", "quantity"))
    happened = dict(Trade.objects.values_list("exec_id", "quantity"))
    for exec_id, quantity in printed.items():
        if happened.get(exec_id) != quantity:
            yield f"{quantity} by {exec_id} is on the tape, the books have {happened.get(exec_id)}"
