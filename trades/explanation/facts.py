"""The numbers behind a line of the timeline: as JSON for programs, in a few words for people."""

from collections.abc import Iterator
from typing import Any

from bengi.numerals import age
from trades.explanation.fills import slippage, source_of
from trades.explanation.quotes import age_s, side_words, spread_words
from trades.explanation.subject import Step, Subject

_TOLD_APART = frozenset({"kind", "at", "code", "quote", "checks", "numbers", "role"})
_QUOTE_MATTERS = frozenset({"accepted", "held", "rested", "look", "filled", "triggered"})
_AGAINST = {"against_mid": "against the mid", "against_arrival": "against the mid on arrival"}


def numbers_of(step: Step, of: Subject, arrival: Step | None) -> dict[str, Any]:
    """Return everything a step tells in numbers, and of a fill its rule and what it slipped."""
    found = {name: value for name, value in step.items() if name not in _TOLD_APART}
    found |= step.get("numbers") or {}
    if step["kind"] == "filled":
        found |= {"rule": source_of(step).rule, **slippage(step, arrival, of)}
    return found


def facts_of(step: Step, of: Subject, arrival: Step | None) -> list[tuple[str, str]]:
    """Return the few numbers that explain a step, as (label, text)."""
    facts = [*_held(step, of), *_quote(step, of)]
    if step["kind"] == "filled":
        facts += _fill(step, of, arrival)
    return facts


def market_facts(quote: Step, at: str, of: Subject) -> list[tuple[str, str]]:
    """Return a quote, the newest print and how old the quote is, as (label, text)."""
    last = quote.get("last")
    return [
        ("bid", side_words(quote, "bid", of)),
        ("ask", side_words(quote, "ask", of)),
        *([] if last is None else [("last", of.price(last))]),
        ("quote age", age(age_s(quote, at))),
    ]


def _held(step: Step, of: Subject) -> Iterator[tuple[str, str]]:
    if "available_before" not in step:
        return
    label = "buying power" if of.is_buy else f"{of.symbol} free"
    write = of.money if of.is_buy else of.number
    before, after = write(step["available_before"]), write(step["available_after"])
    yield label, f"{before} → {after}"


def _quote(step: Step, of: Subject) -> Iterator[tuple[str, str]]:
    quote = step.get("quote")
    if quote is None or step["kind"] not in _QUOTE_MATTERS:
        return
    yield "bid", side_words(quote, "bid", of)
    yield "ask", side_words(quote, "ask", of)
    wide = spread_words(quote, of)
    if wide is not None and step["kind"] == "filled":
        yield "spread", wide
    yield "quote age", age(age_s(quote, step["at"]))


def _fill(step: Step, of: Subject, arrival: Step | None) -> Iterator[tuple[str, str]]:
    yield "rule", source_of(step).rule
    for name, value in slippage(step, arrival, of).items():
        if value is not None and name in _AGAINST:
            yield _AGAINST[name], of.cost(value)
    yield "commission", of.money(step["commission"])
    if step["fees"] != "0":
        yield "fees", of.money(step["fees"])
