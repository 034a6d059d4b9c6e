"""What every page offers where no script runs: nothing on it is dead, and every form is whole."""

from __future__ import annotations

from collections.abc import Iterator

from tests.pages.addresses import PAGES
from tests.pages.html import Element
from tests.pages.stage import StageTest, told

SHOWN_BY_SCRIPT = {"scripted", "stepper", "chart__failed", "chart__none"}
"""What style sheets hide, or no script ever brings up, where none runs."""


class WithoutScriptTest(StageTest):
    def test_no_button_waits_for_a_script_that_never_comes(self) -> None:
        findings = [
            f"{address}: {words}" for address, page in self.pages() for words in _dead(page)
        ]
        assert not findings, told(findings)

    def test_whatever_a_script_sends_is_a_form_or_a_link_without_it(self) -> None:
        findings = [
            f"{address}: {words}" for address, page in self.pages() for words in _bare(page)
        ]
        assert not findings, told(findings)

    def pages(self) -> Iterator[tuple[str, Element]]:
        for route in PAGES:
            for pages in self.shown(route).values():
                yield from pages.items()


def _dead(page: Element) -> Iterator[str]:
    mains = list(page.all("main"))
    for button in (mains[0] if mains else page).all("button"):
        is_sent = button.attrs.get("type", "submit") == "submit"
        if mains and is_sent and button.closest("form") is None:
            yield f"{button.text or button.attrs} sends nothing"
        elif not is_sent and "popovertarget" not in button.attrs and not _is_hidden(button):
            yield f"{button.text or button.attrs} does nothing"
    for link in page.all("a"):
        if link.attrs.get("href", "#") == "#" and not _is_hidden(link):
            yield f"{link.text} leads nowhere"


def _bare(page: Element) -> Iterator[str]:
    for each in page.all():
        path = each.attrs.get("hx-post")
        if path and not _is_hidden(each):
            is_form = each.tag == "form" and each.attrs.get("method") == "post"
            if not is_form or each.attrs.get("action") != path:
                yield f"only a script posts to {path}"


def _is_hidden(each: Element) -> bool:
    for it in (each, *each.up()):
        if it.tag in {"dialog", "template"} or {"hidden", "popover"} & it.attrs.keys():
            return True
        if it.classes & SHOWN_BY_SCRIPT:
            return True
    return False
