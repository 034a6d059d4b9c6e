"""Named places where a test lets the process die or stand still; else they do nothing.

CRASH_AT=book.saved python ...         SIGKILL the first time it comes there
CRASH_AT=book.saved:3 python ...       the third time
CRASH_AT=book.saved:3:stop python ...  SIGSTOP instead: it goes on at SIGCONT
"""

import os
import signal
import threading

POINTS = {
    "accept.saved": "orders and reservations are written, their transaction is open",
    "accept.committed": "orders are durable, nobody has been told: no nudge, no answer",
    "cancel.saved": "a request to cancel is written, its transaction is open",
    "engine.decided": "the matcher has answered, nothing is written",
    "book.fenced": "the batch has the shard's next version, nothing else is written",
    "book.orders": "orders, cash, positions and lots are written, trades are not",
    "book.trades": "trades are written too, the ledger and the events are not",
    "book.saved": "the whole batch is written, its transaction is open",
    "book.committed": "the batch is durable, the engine in memory does not know it yet",
    "book.told": "the streams have been told as well",
    "split.saved": "a split is written, its transaction is open",
    "split.committed": "a split is durable, the market in memory does not know it yet",
    "relay.published": "the broker has acknowledged a batch, the streams' positions have not moved",
}
_AT, _TIME, _HOW, *_ = (*os.environ.get("CRASH_AT", "").split(":"), "", "")
_left = int(_TIME or 1)

if _AT and _AT not in POINTS:
    raise ValueError(f"CRASH_AT names no point of bengi/crash_points.py: {_AT}")


def crash_point(name: str) -> None:
    """Die or stop here if this run is to; name is one of POINTS."""
    if name == _AT:
        _die()


def _die() -> None:
    global _left  # noqa: PLW0603 - one process, one death
    _left -= 1
    if _left == 0:
        # To this thread: sent to the process, another one takes it, and this one may run on.
        how = signal.SIGSTOP if _HOW == "stop" else signal.SIGKILL
        signal.pthread_kill(threading.get_ident(), how)
