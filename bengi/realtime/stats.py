"""What the sockets of this process have done since it started, and how they are now.

Written by the event loop alone; who reads it from another thread may see a count that is a moment
old.
"""

from collections import Counter
from typing import Any

from bengi.realtime.hub import hubs


class Counts:
    """Counts that only grow."""

    def __init__(self) -> None:
        self.opened = 0
        self.frames_sent = 0
        self.bytes_sent = 0
        self.messages_received = 0
        self.resumes = 0
        self.resyncs = 0
        self.closed: Counter[int] = Counter()
        """By the code that the server closed with."""

    def sent(self, text: str) -> None:
        self.frames_sent += 1
        self.bytes_sent += len(text) if text.isascii() else len(text.encode())


counts = Counts()
"""This process's."""


def read() -> dict[str, Any]:
    """Return all counts, and of the sockets that are open: how many, topics, who reads slowly."""
    running = hubs()
    return {
        "sockets": sum(hub.sockets for hub in running),
        "sockets_opened": counts.opened,
        "price_topics": sum(hub.price_topics for hub in running),
        "event_topics": sum(hub.event_topics for hub in running),
        "slow_readers": sum(hub.slow_readers() for hub in running),
        "ticks": sum(hub.ticks for hub in running),
        "prices_sent": sum(hub.prices_sent for hub in running),
        "prices_conflated": sum(hub.prices_conflated for hub in running),
        "frames_sent": counts.frames_sent,
        "bytes_sent": counts.bytes_sent,
        "messages_received": counts.messages_received,
        "resumes": counts.resumes,
        "resyncs": counts.resyncs,
        "closed": {str(code): count for code, count in sorted(counts.closed.items())},
    }
