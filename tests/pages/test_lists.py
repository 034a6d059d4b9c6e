"""Every table and list of every page, found by itself, for somebody who has nothing yet.

Where somebody with a bit of everything sees rows, somebody without sees words in their place, and
a way on. The same holds where a filter finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import resolve

from tests.pages.addresses import PAGES
from tests.pages.html import Element, forms_of, read
from tests.pages.stage import StageTest, told

WORDS_MIN = 3
NOT_ROWS = {"nav", "dialog", "template", "noscript"}
GONE = {
    "group-title": "an order that stands alone has no group",
    "lots-title": "an order that buys closes no lots",
    "violations": "who has broken no rule reads nothing of rules",
}
"""Sections that are not there at all without rows, and why that is right."""
NO_WAY_ON = {
    "": "a part of the trade page: the ticket is beside it",
    "book": "the ticket is beside it",
    "Chart": "bars come by themselves",
    "ladder": "quotes come by themselves, and the ticket is beside it",
    "prints": "trades come by themselves",
    "sessions-title": "there is nothing to do",
    "venues-title": "always there",
}
"""Sections whose empty words lead nowhere, and why that is right."""
SENTENCES = {"period-trades", "period-realized"}
"""Sections of what is printed: a sentence says that there is nothing, and nobody presses paper."""
NOT_ON_STAGE = {
    *("Chart", "prints", "ladder", "gainers-title", "losers-title", "most_active-title"),
    *("breadth-title", "equity-title", "months-title", "pf-today"),
}
"""What the trader of the stage has no rows of either: its market is a single day old."""

FILTERED = (
    "/orders?symbol=ZZZ",
    "/orders/cancel?symbol=ZZZ",
    "/fills?symbol=ZZZ",
    "/account?kind=reversal",
    "/account/statement?from=2020-01-01&to=2020-01-02",
    "/alerts?show=fired",
    "/markets?q=zzz",
    "/notifications?kind=alert",
    "/portfolio?since=2020-01-01&until=2020-01-02",
    "/search?q=zzz",
)
"""Every list that can be narrowed, narrowed until nothing is left."""


class ListsTest(StageTest):
    def test_who_has_nothing_reads_what_will_be_there_and_what_to_do(self) -> None:
        findings = []
        for route in PAGES:
            shown = self.shown(route)
            for address, full in shown.get("trader", {}).items():
                for who in ("newcomer", "stranger"):
                    poor = shown.get(who, {}).get(address)
                    if poor is not None:
                        wrong = _without_rows(full, poor)
                        findings += [f"{address} for the {who}: {words}" for words in wrong]
        assert not findings, told(findings)

    def test_the_stage_fills_every_list(self) -> None:
        """Else nothing would be compared: what has no rows here is not looked at."""
        found = set()
        for route in PAGES:
            for page in self.shown(route).get("trader", {}).values():
                found |= {_name(each) for each in _visible(page) if "empty" in each.classes}
        assert found <= NOT_ON_STAGE | {""}

    def test_a_filter_that_finds_nothing_says_so_and_leads_back(self) -> None:
        client, findings = self.stage.client("trader"), []
        for address in FILTERED:
            page = read(client.get(address).content.decode())
            empty = [each for each in _visible(page) if "empty" in each.classes]
            if not empty:
                findings.append(f"{address}: nothing says that nothing is found")
            findings += [f"{address}: {words}" for each in empty for words in _poor_words(each)]
        assert not findings, told(findings)

    def test_every_filter_is_looked_at(self) -> None:
        narrowed = {resolve(address.partition("?")[0]).url_name for address in FILTERED}
        for route in PAGES:
            for address, page in self.shown(route).get("trader", {}).items():
                for form in forms_of(page, address):
                    if form.method == "get" and form.typed:
                        if "popover" in form.element.attrs:
                            continue
                        path = form.action.partition("?")[0]
                        assert resolve(path).url_name in narrowed | NOT_LISTS


NOT_LISTS = {"order_replace_review"}


def _without_rows(full: Element, poor: Element) -> Iterator[str]:
    """Yield what is wrong with a page without rows, beside the same one with rows."""
    sections = {_name(each): each for each in _visible(poor) if each.tag == "section"} or {"": poor}
    instead = [each for each in _visible(poor) if "empty" in each.classes]
    for name, lists in _lists(full).items():
        if name in GONE:
            continue
        if name not in sections:
            if not instead:
                yield f"the section {name!r} is not there, and nothing in its place"
            continue
        own = _lists(poor).get(name, {})
        if all(own.get(tag, 0) >= count for tag, count in lists.items()):
            continue
        words = sections[name].with_class("empty")
        words += sections[name].all("p") if name in SENTENCES else []
        if not words:
            yield f"the section {name!r} has no words in the place of rows"
    for each in instead:
        yield from _poor_words(each)


def _poor_words(empty: Element) -> Iterator[str]:
    if len(empty.text.split()) < WORDS_MIN:
        yield f"{empty.text!r} is not much of a word"
    ways = [*empty.all("a"), *empty.all("button")]
    if not ways and _name(empty) not in NO_WAY_ON:
        yield f"{empty.text[:40]!r} in {_name(empty)!r} leads nowhere"


def _lists(page: Element) -> dict[str, dict[str, int]]:
    """Return {section: {tag: how many lists of it have rows}} of a page."""
    found: dict[str, dict[str, int]] = {}
    for each in _visible(page):
        if each.tag in {"table", "ul", "ol"} and _rows(each):
            counts = found.setdefault(_name(each), {})
            counts[each.tag] = counts.get(each.tag, 0) + 1
    return found


def _visible(page: Element) -> Iterator[Element]:
    """Yield what the page itself shows: not its bar, its ways to other places, its dialogs."""
    (main,) = list(page.all("main")) or [page]
    for each in main.all():
        if not NOT_ROWS & {above.tag for above in (each, *each.up())} and each.tag != "svg":
            yield each


def _rows(each: Element) -> int:
    if each.tag != "table":
        return sum(1 for row in each.inside if isinstance(row, Element) and row.tag == "li")
    return sum(1 for body in each.all("tbody") for row in body.all("tr") if _is_row(row))


def _is_row(row: Element) -> bool:
    """A single cell across the table says something: it is no row."""
    return not any("colspan" in cell.attrs for cell in row.all("td"))


def _name(each: Element) -> str:
    """Return what the section is called that something stands in, or that it is."""
    section = each if each.tag == "section" else each.closest("section")
    if section is None:
        return ""
    named = ("id", "aria-labelledby", "aria-label", "class")
    return next((section.attrs[key] for key in named if section.attrs.get(key)), "")
