"""When the engine may work: the exchanges' sessions in the mode this installation runs in."""

from dataclasses import dataclass
from datetime import datetime

from instruments import calendar


@dataclass(frozen=True, slots=True)
class SessionHours:
    """mode always: the simulated market never closes; exchange: each MIC's own hours."""

    mode: calendar.Mode

    @property
    def edition(self) -> int:
        """Which calendar is in use: another number after staff have overridden a day."""
        return calendar.in_use().edition

    def is_open(self, mic: str, moment: datetime) -> bool:
        """Return whether mic trades at moment."""
        return calendar.is_open(mic, moment, self.mode)

    def open_mics(self, moment: datetime) -> list[str]:
        """Return the exchanges that trade at moment."""
        return [mic for mic in calendar.MICS if self.is_open(mic, moment)]

    def last_closes(self, moment: datetime) -> dict[str, datetime]:
        """Return when each exchange closed that is between sessions at moment."""
        newest = {
            mic: calendar.session_before(mic, moment, self.mode).closes_at for mic in calendar.MICS
        }
        return {mic: closed_at for mic, closed_at in newest.items() if closed_at <= moment}

    def closes_at(self, mic: str, moment: datetime) -> datetime:
        """Return when a day order given at moment expires: the close of its session or the next."""
        return calendar.next_close(mic, moment, self.mode)
