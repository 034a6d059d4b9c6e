"""Rendered HTML as a tree that a test can walk, and its forms as a browser would send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "img", "input", "link", "meta", "hr", "source", "wbr"}
UNSENT = {"submit", "button", "image", "reset"}
PICKED = {"radio", "checkbox"}


@dataclass(eq=False)
class Element:
    """One element: its attributes, what is in it and what it is in."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None = None
    inside: list[Element | str] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Element]:
        """Yield every element below this one, of these tags, in the order of the page."""
        for each in self.inside:
            if isinstance(each, Element):
                if not tags or each.tag in tags:
                    yield each
                yield from each.all(*tags)

    def with_class(self, *names: str) -> list[Element]:
        return [each for each in self.all() if each.classes & set(names)]

    def by_id(self, wanted: str) -> Element | None:
        return next((each for each in self.all() if each.attrs.get("id") == wanted), None)

    def up(self) -> Iterator[Element]:
        """Yield what this is in, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def closest(self, *tags: str) -> Element | None:
        return next((each for each in self.up() if each.tag in tags), None)

    @property
    def classes(self) -> set[str]:
        return set(self.attrs.get("class", "").split())

    @property
    def text(self) -> str:
        parts = (each if isinstance(each, str) else each.text for each in self.inside)
        return " ".join(" ".join(parts).split())


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        made = Element(tag, named, self.at)
        self.at.inside.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        for above in (self.at, *self.at.up()):
            if above.tag == tag:
                self.at = above.parent or self.root
                return

    def handle_data(self, data: str) -> None:
        self.at.inside.append(data)


def read(text: str) -> Element:
    """Return the root of a page, or of a part of one."""
    builder = _Builder()
    builder.feed(text)
    return builder.root


@dataclass(frozen=True, eq=False)
class Form:
    """A form of a page; asked is the address of that page, which an empty action means."""

    element: Element
    asked: str

    @property
    def method(self) -> str:
        return self.element.attrs.get("method", "get").lower()

    @property
    def action(self) -> str:
        wanted = self.element.attrs.get("action", "").partition("#")[0]
        if wanted.startswith("?"):
            return self.asked.partition("?")[0] + wanted
        return wanted or self.asked

    @property
    def controls(self) -> list[Element]:
        """What has a name and is sent, buttons aside."""
        found = self.element.all("input", "select", "textarea")
        named = (each for each in found if each.attrs.get("name"))
        return [each for each in named if each.attrs.get("type") not in UNSENT]

    @property
    def typed(self) -> dict[str, Element]:
        """The controls somebody writes into, by name."""
        return {c.attrs["name"]: c for c in self.controls if kind_of(c) == "text"}

    @property
    def picked(self) -> dict[str, Element]:
        """The controls where somebody chooses, by name; of radios and ticks the first."""
        found = [c for c in self.controls if kind_of(c) == "pick" and not _is_switch(c)]
        return {c.attrs["name"]: c for c in reversed(found)}

    @property
    def values(self) -> dict[str, str | list[str]]:
        """What a browser would send as the form stands, pressed at its first button with a name."""
        sent: dict[str, str | list[str]] = {}
        for control in self.controls:
            name, value = control.attrs["name"], value_of(control)
            if value is None:
                continue
            sent[name] = [*_listed(sent[name]), value] if name in sent else value
        for button in self.element.all("button"):
            if button.attrs.get("name") and "disabled" not in button.attrs:
                return {**sent, button.attrs["name"]: button.attrs.get("value", "")}
        return sent

    @property
    def shape(self) -> tuple[str, ...]:
        """The names it sends, by which it is known again on another page."""
        return tuple(sorted({control.attrs["name"] for control in self.controls}))


def forms_of(root: Element, asked: str) -> list[Form]:
    return [Form(element, asked) for element in root.all("form")]


def kind_of(control: Element) -> str:
    """Return whether somebody writes, chooses, or sees nothing of it: text, pick or hidden."""
    type_ = control.attrs.get("type", "")
    if type_ == "hidden" or "hidden" in control.attrs:
        return "hidden"
    return "pick" if control.tag == "select" or type_ in PICKED else "text"


def value_of(control: Element) -> str | None:
    """Return what a browser sends of it, None for nothing."""
    if control.tag == "select":
        options = list(control.all("option"))
        chosen = [option for option in options if "selected" in option.attrs] or options[:1]
        return chosen[0].attrs.get("value", "") if chosen else None
    if control.attrs.get("type") in PICKED and "checked" not in control.attrs:
        return None
    return control.text if control.tag == "textarea" else control.attrs.get("value", "")


def _is_switch(control: Element) -> bool:
    """Whether it is on or off, whatever is sent of it."""
    return control.attrs.get("type") == "checkbox" and "value" not in control.attrs


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
