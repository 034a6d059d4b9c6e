"""What can go wrong between Twelve Data and us, as a tree. Pure.

TwelveDataError
  Unreachable       nobody answered, or not in time
  ServerTrouble     500 and above
  Unreadable        an answer that is not what it should be
  Refused           any other word of theirs
    BadRequest      400, 414
    BadKey          401
    PlanTooLow      403
    NoData          404
    Exhausted       429, of unknown kind
      MinuteExhausted
      DayExhausted
"""

import re
from typing import Any

_CREDITS = re.compile(r"(\d{1,9}) API credits were used, with the current limit being (\d{1,9})")
_SAID_MAX = 200


class TwelveDataError(Exception):
    """code: as they say it, the HTTP status, or 0 where there was no answer."""

    def __init__(self, said: str, *, code: int = 0) -> None:
        self.code = code
        self.said = said[:_SAID_MAX]
        super().__init__(f"{code}: {self.said}" if code else self.said)


class Unreachable(TwelveDataError):
    """Nobody answered, or not in time."""


class ServerTrouble(TwelveDataError):
    """Something is broken over there; the same question may go well a moment later."""


class Unreadable(TwelveDataError):
    """An answer that is not of the form it should have. Nothing of it counts."""


class Refused(TwelveDataError):
    """They understood, and will not."""


class BadRequest(Refused):
    """A parameter is wrong, or there are too many."""


class BadKey(Refused):
    """The key is not one of theirs. Asking again is of no use."""


class PlanTooLow(Refused):
    """The plan does not include this."""


class NoData(Refused):
    """There is nothing by that name, or nothing about it."""


class Exhausted(Refused):
    """No credits are left. used and limit: what they count, None where they do not tell."""

    used: int | None = None
    limit: int | None = None


class MinuteExhausted(Exhausted):
    """Until the next minute begins."""


class DayExhausted(Exhausted):
    """Until midnight UTC."""


_BY_CODE: dict[int, type[TwelveDataError]] = {
    400: BadRequest,
    401: BadKey,
    403: PlanTooLow,
    404: NoData,
    414: BadRequest,
}
_REPEATABLE = (Unreachable, ServerTrouble)


def error_in(document: Any) -> TwelveDataError | None:
    """Return the error that a document tells of, whatever its HTTP status was; None where none."""
    if not isinstance(document, dict):
        return None
    code, said = document.get("code"), document.get("message")
    is_code = isinstance(code, int) and not isinstance(code, bool) and code >= 400
    if document.get("status") != "error" and not (is_code and isinstance(said, str)):
        return None
    return error_of(code if isinstance(code, int) else 0, said if isinstance(said, str) else "")


def error_of(code: int, said: str) -> TwelveDataError:
    """Return the error of a code and its words. A day without credits is looked for first."""
    if code == 429:
        return _exhausted(said)
    if code >= 500:
        return ServerTrouble(said, code=code)
    return _BY_CODE.get(code, Refused)(said, code=code)


def is_worth_repeating(error: TwelveDataError) -> bool:
    """Say whether the same question may go well a moment later."""
    return isinstance(error, _REPEATABLE)


def is_charged(error: TwelveDataError) -> bool:
    """Say whether the question has cost its credits all the same: an answer may be lost."""
    return not isinstance(error, ServerTrouble | Refused)


def _exhausted(said: str) -> Exhausted:
    kind: type[Exhausted] = Exhausted
    if "for the day" in said:
        kind = DayExhausted
    elif "minute" in said:
        kind = MinuteExhausted
    error = kind(said, code=429)
    told = _CREDITS.search(said)
    if told:
        error.used, error.limit = int(told[1]), int(told[2])
    return error
