"""When the engine may work: the exchanges' sessions in the mode this installation runs in."""

from dataclasses import dataclass
from datetime import datetime

from instruments import calendar
from instruments.calendar import EXTENDED


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

    def is_extended(self, mic: str, moment: datetime) -> bool:
        """Return whether orders with extended_hours alone trade at mic at moment."""
        return calendar.phase(mic, moment, self.mode) in EXTENDED

    def extended_mics(self, moment: datetime) -> list[str]:
        """Return the exchanges where only orders with extended_hours trade at moment."""
        return [mic for mic in calendar.MICS if self.is_extended(mic, moment)]

    def works(self, mic: str, moment: datetime, *, extended_hours: bool) -> bool:
        """Return whether an order of mic is worked at moment."""
        if self.is_open(mic, moment):
            return True
        return extended_hours and self.is_extended(mic, moment)

    def works_from(self, mic: str, moment: datetime, *, extended_hours: bool) -> datetime | None:
        """Return when an order of mic is worked again; None while it is."""
        if self.works(mic, moment, extended_hours=extended_hours):
            return None
        start = calendar.next_start if extended_hours else calendar.next_open
        return start(mic, moment, self.mode)

    def last_closes(self, moment: datetime, *, extended_hours: bool = False) -> dict[str, datetime]:
        """Return when each exchange closed that is between sessions at moment.

        extended_hours: when after-hours trading ended, where that is over too.
        """
        newest = {
            mic: self._close_of(
                mic, calendar.session_before(mic, moment, self.mode), extended_hours
            )
            for mic in calendar.MICS
        }
        return {mic: closed_at for mic, closed_at in newest.items() if closed_at <= moment}

    def closes_at(self, mic: str, moment: datetime, *, extended_hours: bool = False) -> datetime:
        """Return when a day order given at moment expires: the close of its session or the next.

        With extended_hours the end of after-hours trading on that day.
        """
        if extended_hours:
            return calendar.next_extended_close(mic, moment, self.mode)
        return calendar.next_close(mic, moment, self.mode)

    def next_turn(self, mic: str, moment: datetime) -> datetime:
        """Return when the session of mic next opens or closes after moment."""
        session = calendar.session_of(mic, moment, self.mode)
        if session is not None:
            return session.closes_at
        return calendar.session_after(mic, moment, self.mode).opens_at

    def last_turn(self, mic: str, moment: datetime) -> datetime:
        """Return when the session of mic last opened or closed, at moment or before it."""
        session = calendar.session_before(mic, moment, self.mode)
        return session.opens_at if moment < session.closes_at else session.closes_at

    def _close_of(self, mic: str, session: calendar.Session, extended_hours: bool) -> datetime:
        if extended_hours and calendar.has_extended_hours(mic, self.mode):
            return session.closes_at + calendar.POST_LASTS
        return session.closes_at
