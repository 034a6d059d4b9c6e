"""A declaration beside a view's method, from which the document is made:

    @operation("Place an order", body=OrderInput, answers=OrderWithLegs, status=201,
               key=Key.OPTIONAL, refuses=("insufficient_funds", ...))
    def post(self, request): ...

It changes nothing of what the method does. What every method may answer is not declared again: 401
with its tokens and the scopes' 403; not_found where the address names something; of a body
malformed_json and its like, the codes of its fields, and csrf_failed; of a key the codes of keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from bengi.inputs import Input

Method = TypeVar("Method", bound=Callable[..., Any])
NAME = "declared"


class Key(StrEnum):
    """Whether a method takes the header Idempotency-Key."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one address takes, answers and refuses; a decorator of the method."""

    summary: str
    """What it does. Its operationId is made of it, so each stands once."""

    _: KW_ONLY
    answers: Any
    """The shape of a success, None for one without a body; several where it depends."""

    query: type[Input] = Input
    body: type[Input] | None = None
    """None for a method that takes none, Input for an empty object."""

    status: int = 200
    also: Mapping[int, Any] = field(default_factory=dict)
    """The shapes of successes with another status."""

    key: Key = Key.NONE
    replays: bool = False
    """Whether a success may be one that was answered before though it takes no key."""

    csv: bool = False
    """Whether ?format=csv, or Accept, gets text/csv in place of JSON."""

    refuses: tuple[str, ...] = ()
    refuses_also: tuple[str, ...] = ()
    """Codes with the status that bengi/schema/codes.py has in ALSO."""

    public: bool = False
    """Whether it is for people who are not signed in."""

    def __call__(self, method: Method) -> Method:
        setattr(method, NAME, self)
        return method


operation = Operation


def declared_of(view: Any, method: str) -> Operation | None:
    """Return what a view, or its class, declares of a method such as "get"."""
    return getattr(getattr(view, method.lower(), None), NAME, None)
