"""The soak: the standard mode at half of what it carries, minute by minute, flat or not.

    python -m benchmarks soak        SOAK_MINUTES=10 of SOAK_MINUTE_S=60 seconds

A short ramp finds the rate that it still carries; then people trade over HTTP and sockets at half
of it. Every minute tells the median and p99 of order to fill, and what each process holds. At the
end every request has been answered, every fill heard, and manage.py check_books is clean. It ends
with exit code 1 where the books or an answer are wrong, or where the last third of the minutes is
not like the first third: see Limits.
"""

import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.floor import Floor, floor, stock
from benchmarks.modes import Mode, running
from benchmarks.over_http import cuts, missing, trade
from benchmarks.table import RESULTS, Line, report
from benchmarks.usage import memory

MINUTES = int(os.environ.get("SOAK_MINUTES", "10"))
MINUTE_S = float(os.environ.get("SOAK_MINUTE_S", "60"))
RATE = float(os.environ.get("SOAK_RATE", "0"))
"""Orders a second; 0 for half of what the ramp finds."""
SHARE = 0.5
WARM_S, RAMP_WARM_S = min(5.0, MINUTE_S / 4), 2.0
"""Not counted: every minute has a client of its own, whose 120 sockets are work to open."""
RAMP_FROM, RAMP_BY, RAMP_S, RAMP_STEPS = 40.0, 1.4, 5.0, 12
CARRIED, CARRIED_P99_S = 0.95, 1.0
"""A rate is carried while so much of it is filled, and 99 of 100 fills are heard so soon."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much more the last third of the minutes may show than the first third.

    A share, and a part that does not depend on the size: noise of a machine that others use.
    """

    median: tuple[float, float] = (0.25, 0.005)
    p99: tuple[float, float] = (0.5, 0.050)
    memory: tuple[float, float] = (0.03, 3.0)


@dataclass
class Minute:
    """Seconds from order to fill, and the MiB that each process held at its end: RSS, and what the
    sessions of PostgreSQL do not share.
    """

    median_s: float
    p99_s: float
    orders: int
    missing: int
    held_mib: dict[str, float] = field(default_factory=dict)


def run() -> int:
    """Soak and return the exit code."""
    with floor() as place:
        with running(place) as mode:
            stock(place)
            carried = 0.0 if RATE else ramp(place, mode)
            rate = RATE or carried * SHARE
            if not rate:
                print("no rate was carried, not even the lowest of the ramp")
                return 1
            minutes = [_minute(place, mode, number, rate) for number in range(MINUTES)]
            trouble = dict(mode.trouble)
        books = wrong_in_books(place)
    found = verdict(minutes, books)
    report(
        "soak",
        f"Soak of {MINUTES} x {MINUTE_S:.0f} s, standard mode",
        _lines(carried, rate, minutes),
    )
    _keep(minutes, found, trouble)
    for line in found:
        print(f"  NOT GOOD: {line}")
    print("  not as it should be" if found else "  flat, all answered, the books are clean")
    return 1 if found else 0


def ramp(place: Floor, mode: Mode) -> float:
    """Return a rate that is carried while the next step up is not, each tried for some seconds.

    It begins in the middle, and goes down where that is too much already. 0 where none is carried.
    """
    carried, rate, is_falling = 0.0, RAMP_FROM, False
    for step in range(RAMP_STEPS):
        if _is_carried(place, mode, f"ramp{step}", rate):
            carried = rate
            if is_falling:
                break
        elif carried:
            break
        else:
            is_falling = True
        rate = rate / RAMP_BY if is_falling else rate * RAMP_BY
    return carried


def _is_carried(place: Floor, mode: Mode, name: str, rate: float) -> bool:
    told = trade(place, mode, name, seconds=RAMP_S, rate=rate, warm_s=RAMP_WARM_S)
    _, p99_s = cuts(told.latencies)
    reached = told.fills / (rate * RAMP_S)
    print(f"  ramp: {rate:.0f}/s, {reached:.0%} filled, p99 {p99_s * 1000:.0f} ms", flush=True)
    return reached >= CARRIED and p99_s <= CARRIED_P99_S and not missing(told)


def _minute(place: Floor, mode: Mode, number: int, rate: float) -> Minute:
    told = trade(place, mode, f"soak{number}", seconds=MINUTE_S, rate=rate, warm_s=WARM_S)
    median_s, p99_s = cuts(told.latencies)
    held = {name: memory(c.pid).rss_mib for name, c in mode.children.items() if c.pid}
    if p99_s > CARRIED_P99_S:
        print(f"  the slowest, {told.slowest}, {_booked_after(told.slowest)}", flush=True)
    server = memory(place.postgres)
    held["PostgreSQL"] = server.pss_mib - server.shared_mib  # a session's RSS has all buffers in it
    print(
        f"  minute {number + 1}: {told.fills} fills, median {median_s * 1000:.0f} ms,"
        f" p99 {p99_s * 1000:.0f} ms; "
        + ", ".join(f"{name} {mib:.0f}" for name, mib in held.items()),
        flush=True,
    )
    return Minute(median_s, p99_s, told.fills, missing(told) + told.unasked, held)


def _booked_after(key: str) -> str:
    """Return what the books say of an order whose fill was heard late."""
    from bengi.events.models import Event
    from orders.models import Order

    order = Order.objects.filter(client_order_id=key).select_related("instrument").first()
    if order is None:
        return "is not in the books"
    told = Event.objects.filter(subject=order.id).order_by("seq").values_list("type", "occurred_at")
    words = [f"{kind} {(at - order.accepted_at).total_seconds():.2f} s" for kind, at in told]
    return f"{order.side} {order.instrument.symbol}: " + ", ".join(words)


def wrong_in_books(place: Floor) -> list[str]:
    """Return the lines in which manage.py check_books finds the books wrong."""
    done = place.manage("check_books")
    if done.returncode == 0 and "The books are clean" in done.stdout:
        return []
    told = done.stdout.splitlines()
    return [line for line in told if not line.startswith("ok ")] or [done.stderr[-2000:]]


def verdict(
    minutes: Sequence[Minute], books: Sequence[str], limits: Limits = Limits()
) -> list[str]:
    """Return what is not as it should be; nothing is good."""
    found = [f"the books: {line}" for line in books]
    lost = sum(minute.missing for minute in minutes)
    if lost:
        found.append(f"{lost} orders not asked, refused or unanswered, or fills unheard")
    for name, limit in (("median", limits.median), ("p99", limits.p99)):
        told = [getattr(minute, f"{name}_s") for minute in minutes]
        found += grown(f"latency, {name}", told, limit, "s")
    for name in minutes[0].held_mib:
        told = [minute.held_mib[name] for minute in minutes]
        found += grown(f"memory of {name}", told, limits.memory, "MiB", of=statistics.median)
    return found


def grown(
    name: str,
    told: Sequence[float],
    limit: tuple[float, float],
    unit: str,
    *,
    of: Callable[[Sequence[float]], float] = statistics.fmean,
) -> list[str]:
    """Return words where the last third is over the first third by more than the limit.

    limit: the share of the first third, and what may come on top of it, that are let pass.
    of: what stands for a third. Of memory it is the middle minute, because a vacuum of PostgreSQL
        takes 64 MiB for some seconds and gives them back; what leaks stays.
    """
    third = max(1, len(told) // 3)
    first, last = of(told[:third]), of(told[-third:])
    share, on_top = limit
    if last <= first * (1 + share) + on_top:
        return []
    return [f"{name} went from {first:.4g} to {last:.4g} {unit}"]


def _lines(carried: float, rate: float, minutes: Sequence[Minute]) -> list[Line]:
    lines = [Line("the ramp's highest rate", carried, "orders/s"), Line("rate", rate, "orders/s")]
    for name in ("first", "last"):
        third = max(1, len(minutes) // 3)
        part = minutes[:third] if name == "first" else minutes[-third:]
        for what in ("median", "p99"):
            mean = statistics.fmean(getattr(each, f"{what}_s") for each in part)
            lines.append(Line(f"{what}, {name} third", mean * 1000, "ms"))
    first, last = minutes[0].held_mib, minutes[-1].held_mib
    for name, mib in first.items():
        lines.append(Line(f"{name}, first minute", mib, "MiB", None, f"last: {last[name]:.0f}"))
    lines.append(Line("orders", sum(each.orders for each in minutes), "filled"))
    return [*lines, Line("refused, unanswered, unheard", sum(m.missing for m in minutes), "orders")]


def _keep(minutes: Sequence[Minute], found: Sequence[str], trouble: dict[str, int]) -> None:
    """Write all minutes beside the table."""
    body = {
        "minutes": [
            {"median_s": m.median_s, "p99_s": m.p99_s, "orders": m.orders, "held_mib": m.held_mib}
            for m in minutes
        ],
        "not_good": list(found),
        "errors_told": trouble,
    }
    text = json.dumps(body, indent=2) + "\n"
    (RESULTS / "soak_minutes.json").write_text(text, encoding="utf-8")
