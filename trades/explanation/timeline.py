"""The story of an order, oldest first, short enough to read: what is told and what is left out.

Of the looks at the market that filled nothing the first and the latest are told, of the moves of a
trailing stop too, and of a story that is longer still its beginning and its end. What is left out
is counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trades.explanation.facts import facts_of, numbers_of
from trades.explanation.quotes import quote_shape
from trades.explanation.splits import in_new_shares
from trades.explanation.subject import Step, Subject
from trades.explanation.telling import By, Told, Tone
from trades.explanation.words import COMPLETE, words_of

ENTRIES_MAX = 60
BEGINNING = 20
"""Of a story longer than ENTRIES_MAX, how many entries of its beginning are told."""

_SHORTENED = frozenset({"look", "trailed"})
REQUESTS = frozenset({"pending_cancel", "pending_replace"})
"""What the customer asked for, between the engine's decisions."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. quote and numbers are JSON; facts are (label, text) for people."""

    seq: int
    at: str
    kind: str
    code: str | None
    by: By
    tone: Tone
    title: str
    aside: str
    text: str
    quote: Step | None
    numbers: dict[str, Any]
    checks: list[dict[str, Any]]
    facts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries, oldest first. left_out counts the looks, moves of a stop and other steps not told.

    gap: how many entries stand before the place where steps are left out; None when none are.
    """

    entries: list[Entry]
    left_out: dict[str, int]
    gap: int | None


def tell(event_type: str, seq: int, at: str, payload: Mapping[str, Any]) -> Iterator[Told]:
    """Yield what one event tells of an order: its steps, or that it happened."""
    order = payload.get("order") or {}
    kind = event_type.removeprefix("order.")
    steps: Sequence[Step] = payload.get("steps") or []
    for step in steps:
        yield Told(step, seq, order)
    bare = {"kind": kind, "at": at, "quote": None}
    if kind == "filled":
        last = next((step for step in reversed(steps) if step["kind"] == "filled"), bare)
        yield Told({**last, "kind": COMPLETE}, seq, order)
    elif not steps:
        yield Told(bare, seq, order, is_bare=True)


def timeline(
    told: Sequence[Told], of: Subject, *, moves_unread: int = 0, events_unread: int = 0
) -> Timeline:
    """Return the timeline of what was told, in order of seq.

    moves_unread, events_unread: moves of the stop, and events of the middle, that are not in told.
    """
    looks = [one for one in told if one.step["kind"] == "look"]
    has_first = any(one.step["kind"] == "rested" and one.step.get("code") for one in told)
    kept_looks = looks[-1:] if has_first else [*looks[:1], *looks[1:][-1:]]
    moves = [one for one in told if one.step["kind"] == "trailed"]
    kept_moves = [*moves[:1], *moves[1:][-1:]]
    left_out = {
        "looks": len(looks) - len(kept_looks),
        "moves": len(moves) - len(kept_moves) + moves_unread,
    }
    kept = {id(one) for one in (*kept_looks, *kept_moves)}
    short = [one for one in told if one.step["kind"] not in _SHORTENED or id(one) in kept]
    arrival = arrival_quote(told)
    entries = [_entry(one, of, arrival) for one in _in_order(short)]
    cut = max(0, len(entries) - ENTRIES_MAX)
    entries[BEGINNING : BEGINNING + cut] = []
    left_out["steps"] = cut + events_unread
    return Timeline(entries, left_out, BEGINNING if cut else None)


def arrival_quote(told: Sequence[Told]) -> Step | None:
    """Return the first quote that the order met, the market on its arrival, in today's shares."""
    for place, one in enumerate(told):
        if one.step.get("quote"):
            return in_new_shares(one.step["quote"], told[place:])
    return None


def _in_order(told: Sequence[Told]) -> list[Told]:
    """Put each look before what was asked later, though it was told with what ended it.

    A tick that comes late decides no earlier than what was decided before it.
    """
    ordered: list[Told] = []
    latest = ""
    for one in told:
        place = len(ordered)
        if one.step["kind"] == "look":
            while place and _asked_later(ordered[place - 1], one):
                place -= 1
            ordered.insert(place, one)
        else:
            latest = max(latest, one.step["at"])
            ordered.append(replace(one, step={**one.step, "at": latest}))
    return ordered


def _asked_later(one: Told, look: Told) -> bool:
    return one.step["kind"] in REQUESTS and one.step["at"] >= look.step["at"]


def _entry(told: Told, of: Subject, arrival: Step | None) -> Entry:
    step, words = told.step, words_of(told, of)
    return Entry(
        seq=told.seq,
        at=step["at"],
        kind=step["kind"],
        code=step.get("code"),
        by=words.by,
        tone=words.tone,
        title=words.title,
        aside=words.aside,
        text=words.text,
        quote=quote_shape(step.get("quote"), step["at"]),
        numbers=numbers_of(step, of, arrival),
        checks=step.get("checks") or [],
        facts=facts_of(step, of, arrival),
    )
