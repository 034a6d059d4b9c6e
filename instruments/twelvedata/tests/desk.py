"""A poller over a real conversation with a server of the test's, whose clock the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from instruments.services import record_quotes
from instruments.twelvedata.governor import Governor, Limits, Priority
from instruments.twelvedata.ledgers import MemoryLedger
from instruments.twelvedata.poller import MemoryMarks, Poller, Want
from instruments.twelvedata.provider import TwelveDataProvider
from instruments.twelvedata.rest import Rest
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tape import Tape
from instruments.twelvedata.tests.server import Server, serving


class Desk:
    """poll() does what the loop does: it asks, and the feed takes in what was answered."""

    def __init__(self, server: Server, targets: dict[str, Target], now: datetime, **options):
        self.server, self.targets, self.now = server, targets, now
        self.wants = [Want(t.instrument_id, Priority.POSITION) for t in targets.values()]
        self.waited: list[float] = []
        self.ledger = MemoryLedger()
        self.governor = Governor(self.ledger, options.pop("limits", Limits(8, 800)))
        self.rest = Rest(
            server.url,
            "key",
            hear=lambda counted: self.governor.hear(counted.used, counted.left, self.now),
            pause=self.waited.append,
            read_s=options.pop("read_s", 5),
        )
        self.provider, self.marks = TwelveDataProvider(), MemoryMarks()
        self.poller = Poller(
            self.rest,
            self.governor,
            targets=lambda: self.targets,
            wants=lambda now: self.wants,
            take_in=self.provider.take_in,
            tape=Tape(mode=options.pop("mode", "exchange")),
            marks=self.marks,
            **options,
        )

    def poll(self, after_s: float = 0, *, force: bool = False) -> int:
        """Move on, ask, and let the board hear; force: as if nobody had ever been asked about."""
        self.now += timedelta(seconds=after_s)
        if force:
            self.marks.read().clear()
        asked = self.poller.turn(self.now)
        record_quotes(self.provider.ticks(self.now))
        return asked


@contextmanager
def open_desk(answer, targets, now, **options) -> Iterator[Desk]:
    with serving(answer) as server:
        desk = Desk(server, targets, now, **options)
        try:
            yield desk
        finally:
            desk.rest.close()
