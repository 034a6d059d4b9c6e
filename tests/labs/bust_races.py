"""Races of tests/labs/races.py in which staff take trades back while their owners go on."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.labs.stage import PRICE

LOW = PRICE - 5
APPROVALS = {"busted", "already_approved", "drained", "fenced"}


def bust_against_sell(track: Any) -> None:
    """Two people bust a buy while its share is sold: it goes or it is sold, never both."""
    allowed = APPROVALS | {"accepted", "insufficient_position", "lot_in_use"}
    for _ in range(track.rounds // 2):
        track.buy_shares(track.third, 1)
        one, two, three = (_dealer() for _ in range(3))
        asked = _ask(one, _newest_trade())
        sell = track.late(track.place(track.third, "sell", LOW))
        jobs = [_approve(two, asked), _approve(three, asked), sell, track.hear_and_drain(PRICE)]
        answers = track.crew.together(jobs)
        track.hear(PRICE)
        track.settle()
        is_sold, is_busted = "accepted" in answers, "busted" in answers
        ended = "sold" if is_sold else "busted"
        track.note("bust against sell", [ended], allowed={"sold", "busted"})
        track.wrong += [f"bust against sell: {a}" for a in answers if a not in allowed]
        if is_sold == is_busted or answers.count("busted") > 1:
            track.wrong.append(f"bust against sell: {answers}")
        _decline(one, asked)


def bust_against_fill(track: Any) -> None:
    """An engine fills the rest of an order while its first fill is busted, by two people."""
    for _ in range(track.rounds // 2):
        track.hear(PRICE, size=1)
        track.place(track.third, "buy", PRICE, 2)()
        track.settle()
        one, two, three = (_dealer() for _ in range(3))
        asked = _ask(one, _newest_trade())
        jobs = [track.late(_approve(two, asked)), track.late(_approve(three, asked))]
        jobs += [track.hear_and_drain(PRICE), track.drain(track.engines[1])]
        answers = track.crew.together(jobs)
        track.settle()
        left = _newest_trade()
        # The rest was filled before the bust and booked anew for it, or after it.
        track.note("bust against fill", [str(left.kind)], allowed={"correction", "execution"})
        track.wrong += [f"bust against fill: {a}" for a in answers if a not in APPROVALS]
        order = left.order
        if answers.count("busted") != 1 or (order.filled_quantity, order.status) != (1, "filled"):
            track.wrong.append(f"bust against fill: {answers}, {order}")
    track.clear()


def _dealer() -> Any:
    from accounts.models import User

    email = f"dealer{time.time_ns()}@bengi.example"
    return User.objects.create(email=email, is_staff=True, is_superuser=True)


def _ask(by: Any, trade: Any) -> Any:
    from trades.corrections import ask_bust

    return ask_bust(by, trade.exec_id, reason="Race", now=datetime.now(UTC))


def _approve(by: Any, correction: Any) -> Callable[[], str]:
    from trades.corrections import approve

    def job() -> str:
        approve(correction.id, by, now=datetime.now(UTC))
        return "busted"

    return job


def _decline(by: Any, correction: Any) -> None:
    """Decline what is still asked for, so that it is not in the way of the next round."""
    from trades.corrections import decline

    correction.refresh_from_db()
    if correction.outcome == "asked":
        decline(correction.id, by, now=datetime.now(UTC))


def _newest_trade() -> Any:
    from trades.selectors import standing_trades

    return standing_trades().latest("exec_id")
