"""Expected failures, as a tree: what a caller can be told, with a stable code and numbers.

    BengiError
      Malformed         400  the request cannot be read
      NotAuthenticated  401
      Forbidden         403
      NotFound          404  absent, or somebody else's
      Conflict          409  state or key disagrees
      Refused           422  a trading rule says no; carries every rule that does
      RateLimited       429
      Unavailable       503

Doors turn them into HTTP in one place (bengi/problem.py); nothing else maps them.
"""

from collections.abc import Sequence
from typing import Any

from bengi.sentences import Sentence


class BengiError(Exception):
    """One reason, written for people: code is stable, details holds the numbers behind it.

    detail is the reason as the API says it; said is the same where its numbers can still be
    written as a reader wants them, which discreet.refusal() does.
    """

    status = 500
    default_code = "error"

    def __init__(
        self,
        code: str | None = None,
        detail: str | Sentence = "",
        *,
        field: str | None = None,
        **details: Any,
    ) -> None:
        self.code = code or self.default_code
        self.said = detail
        self.detail = str(detail)
        self.field = field
        self.details = details
        super().__init__(f"{self.code}: {self.detail}")


class Malformed(BengiError):
    status = 400
    default_code = "invalid_field"


class NotAuthenticated(BengiError):
    status = 401
    default_code = "not_authenticated"


class Forbidden(BengiError):
    status = 403
    default_code = "forbidden"


class NotFound(BengiError):
    status = 404
    default_code = "not_found"

    def __init__(self, detail: str = "There is nothing here by that name.") -> None:
        super().__init__("not_found", detail)


class Conflict(BengiError):
    status = 409
    default_code = "conflict"


class Refused(BengiError):
    """Trading rules refuse the request. errors holds every failing rule, the first one leads."""

    status = 422
    default_code = "refused"

    def __init__(
        self,
        code: str | None = None,
        detail: str | Sentence = "",
        *,
        field: str | None = None,
        errors: Sequence[BengiError] = (),
        **details: Any,
    ) -> None:
        if errors and code is None:
            first = errors[0]
            code, detail, field, details = first.code, first.said, first.field, first.details
        super().__init__(code, detail, field=field, **details)
        self.errors: list[BengiError] = list(errors) or [self]


class RateLimited(BengiError):
    status = 429
    default_code = "rate_limited"


class Unavailable(BengiError):
    status = 503
    default_code = "unavailable"
