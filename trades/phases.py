"""In which part of the day each market is: in its session, or outside of it.

Told apart only where one trades outside: elsewhere nothing is worked and no tick is heard then.
"""

import heapq
from datetime import UTC, datetime

from instruments import calendar
from trades.session import SessionHours

_EVER = datetime.min.replace(tzinfo=UTC)


class Phases:
    """The exchanges with extended hours, and when the session of each begins or ends next.

    A market changes only when due() says so, so that commands of one batch find it as it was when
    they happened.
    """

    def __init__(self, hours: SessionHours) -> None:
        self._hours = hours
        self._outside = dict[str, bool]()
        self._since = dict[str, datetime]()
        self._again = set[str]()
        self._turns: list[tuple[datetime, str]] = []
        self._left: list[tuple[datetime, str]] = []

    def start(self, now: datetime) -> None:
        """Begin at now. Every market turns at once: what is put back may cross."""
        for mic in calendar.MICS:
            if calendar.has_extended_hours(mic, self._hours.mode):
                self.turn(mic, now)
                self.look_again(mic)
                self._since[mic] = self._hours.last_turn(mic, now)
                heapq.heappush(self._turns, (self._hours.next_turn(mic, now), mic))

    def is_outside(self, mic: str) -> bool:
        """Say whether only orders with extended_hours work at mic."""
        return self._outside.get(mic, False)

    def look_again(self, mic: str) -> None:
        """Let the markets of an exchange turn at once, to where they are."""
        if mic in self._outside:
            self._again.add(mic)

    def since(self, mic: str) -> datetime:
        """Return when the part of the day began that the market is in, after what is due."""
        return self._since.get(mic, _EVER)

    def hears(self, mic: str, moment: datetime) -> bool:
        """Say whether a tick of moment is of the part of the day that the market is in."""
        if self.is_outside(mic):
            return self._hours.is_extended(mic, moment)
        return self._hours.is_open(mic, moment)

    def due(self, now: datetime) -> list[tuple[datetime, str]]:
        """Take out and return the moments up to now at which a market turns, oldest first."""
        found = [*self._left, *((now, mic) for mic in sorted(self._again))]
        self._left.clear()
        self._again.clear()
        while self._turns and self._turns[0][0] <= now:
            at, mic = heapq.heappop(self._turns)
            heapq.heappush(self._turns, (self._hours.next_turn(mic, at), mic))
            self._since[mic] = at
            found.append((at, mic))
        return found

    def put_back(self, at: datetime, mic: str) -> None:
        """Let a turn that was taken out and has not been made be due again."""
        self._left.append((at, mic))

    def turn(self, mic: str, at: datetime) -> None:
        """Let mic be where it is at the moment at."""
        self._outside[mic] = calendar.session_of(mic, at, self._hours.mode) is None
