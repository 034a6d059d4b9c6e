"""How one reader wants numbers, days and times written. Pure, and only for pages.

A page's request says who reads (accounts/reader.py); what writes for people asks current(). The
API, mails, files and the admin never say it, so that theirs stays 1,234.56 and UTC.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Locale:
    """Where commas and points stand, and in which order a day is told.

    groups: how many digits stand together, from the point on; the last one repeats. long_day and
    short_day are formats with d, dd, m (a word), mm and y.
    """

    code: str
    name: str
    thousands: str
    point: str
    long_day: str
    short_day: str
    groups: tuple[int, ...] = (3,)


LOCALES = (
    Locale("", "English", ",", ".", "{d} {m} {y}", "{d} {m}"),
    Locale("en-US", "English, United States", ",", ".", "{m} {d}, {y}", "{m} {d}"),
    Locale("en-IN", "English, India", ",", ".", "{d} {m} {y}", "{d} {m}", groups=(3, 2)),
    Locale("de", "German", ".", ",", "{dd}.{mm}.{y}", "{dd}.{mm}."),
    Locale("de-CH", "German, Switzerland", "'", ".", "{dd}.{mm}.{y}", "{dd}.{mm}."),
    Locale("es", "Spanish", ".", ",", "{dd}/{mm}/{y}", "{dd}/{mm}"),
    Locale("fr", "French", NARROW, ",", "{dd}/{mm}/{y}", "{dd}/{mm}"),
    Locale("sv", "Swedish", WIDE, ",", "{y}-{mm}-{dd}", "{dd}/{mm}"),
    Locale("ja", "Japanese", ",", ".", "{y}/{mm}/{dd}", "{mm}/{dd}"),
)  # fmt: skip
LOCALE_OF = {locale.code: locale for locale in LOCALES}


@dataclass(frozen=True, slots=True)
class Writing:
    """What a reader has chosen. zone None: times by each exchange's clock, as nobody has said."""

    locale: Locale = LOCALES[0]
    zone: ZoneInfo | None = None
    is_discreet: bool = False


PLAIN = Writing()
_asked: ContextVar[Callable[[], Writing]] = ContextVar("writing", default=lambda: PLAIN)


def current() -> Writing:
    """Return how to write for whoever reads what is written now; plainly where nobody has said."""
    return _asked.get()()


@contextmanager
def written_for(ask: Callable[[], Writing]) -> Iterator[None]:
    """Write within as ask() says. It is called when something is written, and only then."""
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


def number(text: str) -> str:
    """Write 1,234.56 as the reader does: 1.234,56. Signs and words around it stay."""
    locale = current().locale
    if locale.code == "":
        return text
    start = next((at for at, each in enumerate(text) if each.isdigit()), len(text))
    end = max((at for at, each in enumerate(text) if each.isdigit()), default=-1) + 1
    whole, _, rest = text[start:end].partition(".")
    digits = grouped(whole.replace(",", ""), locale)
    return f"{text[:start]}{digits}{locale.point if rest else ''}{rest}{text[end:]}"


def grouped(digits: str, locale: Locale) -> str:
    """Put the locale's mark between groups of digits: 1234567 gives 12,34,567 in India."""
    parts: list[str] = []
    sizes = iter(locale.groups)
    size = 3
    while digits:
        size = next(sizes, size)
        parts.append(digits[-size:])
        digits = digits[:-size]
    return locale.thousands.join(reversed(parts))


def long_day(day: date) -> str:
    """Write a day with its year."""
    return _day(day, current().locale.long_day)


def short_day(day: date) -> str:
    """Write a day of this year."""
    return _day(day, current().locale.short_day)


def minute(at: datetime) -> str:
    """Write a moment to the minute by the reader's clock, else by UTC: 2 Mar 2026 16:00 Berlin."""
    zone: tzinfo = current().zone or UTC
    local = at.astimezone(zone)
    return f"{long_day(local)} {local:%H:%M} {city_of(zone)}"


def zone_beside(at: datetime, there: tzinfo) -> ZoneInfo | None:
    """Return the zone that the reader has chosen, where its clock tells another time than there."""
    own = current().zone
    is_alike = own is None or at.astimezone(own).utcoffset() == at.astimezone(there).utcoffset()
    return None if is_alike else own


def city_of(zone: tzinfo) -> str:
    """Return how people call a zone: New York, UTC."""
    name = zone.key if isinstance(zone, ZoneInfo) else str(zone)
    return name.rpartition("/")[2].replace("_", " ")


def _day(day: date, form: str) -> str:
    month = MONTHS[day.month - 1]
    return form.format(d=day.day, dd=f"{day.day:02d}", m=month, mm=f"{day.month:02d}", y=day.year)
