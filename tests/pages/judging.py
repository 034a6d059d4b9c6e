"""How a form is sent nonsense, and what an answer to it must look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import Resolver404, resolve

from tests.pages.html import Element, Form, forms_of, read, value_of
from tests.pages.stage import undone

NUL, LONG, NOTHING = "a\0b", "x" * 5000, ""
NONSENSE = {
    "nothing": NOTHING,
    "too much": LONG,
    "NUL": NUL,
    "other digits": "１２",
    "words": '<b>"twelve"</b> & more',
}
NEVER_TAKEN = {NUL, LONG}
NO_CHOICE = "none-of-the-list"
ORDER = {"type": "stop_limit", "time_in_force": "gtd", "side": "buy", "sized_by": "quantity"}
SET: dict[str, dict[str, str]] = {"order_review": ORDER}
"""What is chosen first, so that as many fields as can be are looked at."""
UNSEEN = {"order_review": {"notional", "trail_price", "trail_percent"}}
"""Fields that what is chosen does not show: what stands there is not read."""
MADE_UP = {"order_review": {"side", "sized_by"}}
"""Choices that no page lets anybody miss: what is wrong with them is told above the form."""
ANSWERS_IN_PLACE = {"settings-keys"}
"""They show what they made on the page of the form itself."""
ONE_TIME = "one-time-code"
"""A code of the phone may come back or not: it is as good as gone either way."""
SEARCHES = {"search", "markets"}
"""They take any text, as much of it as their field holds, and find nothing."""
CHOICES_GO_BACK = {"appearance"}
"""A choice that is none can only be made up: they lead back to where it was sent from."""
FRAMEWORK_WORDS = ("Ensure this", "Select a valid", "Null char", "Enter a valid", "required.")


@dataclass(frozen=True)
class Found:
    """A form, where its page is, and who was shown it."""

    form: Form
    who: str
    route: str

    @property
    def name(self) -> str:
        return f"{self.form.method} {self.route} {'+'.join(self.form.shape)}"


@dataclass
class Sent:
    """A form with what was put into it: values by name, and what of them is nonsense."""

    found: Found
    values: dict[str, Any]
    bad: dict[str, str]

    def finding(self, words: str) -> str:
        bad = {name: value[:12] for name, value in self.bad.items()}
        return f"{self.found.name} as {self.found.who}, {bad}: {words}"


def nonsense(found: Found) -> Iterator[Sent]:
    """Yield the form with nonsense in all of its fields, then in one, then with no such choice."""
    first = {**found.form.values, **SET.get(found.route, {})}
    typed = set(found.form.typed) - UNSEEN.get(found.route, set())
    for value in NONSENSE.values():
        bad = dict.fromkeys(typed, value)
        if bad:
            yield Sent(found, first | bad, bad)
    for name in sorted(typed):
        yield Sent(found, first | {name: NUL}, {name: NUL})
    for name in set(found.form.picked) - MADE_UP.get(found.route, set()):
        yield Sent(found, first | {name: NO_CHOICE}, {name: NO_CHOICE})


def send(client: Client, sent: Sent) -> Any:
    form = sent.found.form
    return undone(client, form.method, form.action, sent.values)


def judge(sent: Sent, answer: Any) -> Iterator[str]:
    """Yield what is wrong with the answer to nonsense."""
    if answer.status_code in {204, 302}:
        yield from _taken(sent, answer)
    elif answer.status_code not in {200, 422, 429}:
        yield f"answers {answer.status_code}"
    else:
        page = read(answer.content.decode())
        again = _same(sent.found, page)
        if again is not None:
            yield from beside(sent, again, page)
        elif set(sent.bad.values()) & NEVER_TAKEN and sent.found.route not in SEARCHES:
            yield "the form is gone"


def _taken(sent: Sent, answer: Any) -> Iterator[str]:
    """Yield what is wrong where nonsense was taken."""
    if answer.get("Location", "").startswith("/signin?"):
        yield "leads to the sign-in"
    if set(sent.bad.values()) & NEVER_TAKEN and sent.found.route not in SEARCHES:
        yield "is taken"
    if NO_CHOICE in sent.bad.values() and sent.found.route not in CHOICES_GO_BACK:
        yield "a choice that is none is taken"


def beside(sent: Sent, form: Form, page: Element) -> Iterator[str]:
    """Yield what is wrong with how the form has come back."""
    wrong = {
        control.attrs["name"]: control
        for control in form.controls
        if control.attrs.get("aria-invalid") == "true"
    }
    for name, control in wrong.items():
        yield from _told(name, control, page)
    is_search = sent.found.route in SEARCHES
    if not wrong and sent.found.route in ANSWERS_IN_PLACE:
        return
    if form.method == "post" and not wrong:
        yield "comes back with no word beside a field"
    alone = next(iter(sent.bad)) if len(sent.bad) == 1 else ""
    if alone and sent.bad[alone] in {NUL, NO_CHOICE} and alone not in wrong and not is_search:
        yield f"does not say that {alone} is wrong"
    for name, control in form.typed.items():
        if name in sent.bad and not is_search:
            yield from _kept(name, control, sent.bad[name])


def _told(name: str, control: Element, page: Element) -> Iterator[str]:
    """Yield what is wrong with how a field is said to be wrong."""
    group = control.closest("fieldset")
    ids = control.attrs.get("aria-describedby", "").split()
    ids += group.attrs.get("aria-describedby", "").split() if group else []
    words = [page.by_id(each) for each in ids]
    if None in words:
        yield f"{name} names words that are not there"
    said = " ".join(each.text for each in words if each and "field__error" in each.classes)
    if not said:
        yield f"{name} is wrong, and nothing says why"
    if any(theirs in said for theirs in FRAMEWORK_WORDS):
        yield f"{name}: these are not our words: {said}"


def _kept(name: str, control: Element, value: str) -> Iterator[str]:
    kept = value_of(control)
    if control.attrs.get("type") == "password":
        if kept:
            yield f"the password {name} comes back"
    elif kept not in {value, value.strip()} and control.attrs.get("autocomplete") != ONE_TIME:
        yield f"{name} comes back as {(kept or '')[:20]!r}"


def _same(found: Found, page: Element) -> Form | None:
    """Return the form as it has come back."""
    for form in forms_of(page, found.form.asked):
        if form.shape == found.form.shape and route_of(form.action) == found.route:
            same_move = form.values.get("what") == found.form.values.get("what")
            if same_move:
                return form
    return None


def route_of(address: str) -> str:
    path = address.partition("?")[0].partition("#")[0]
    try:
        found = resolve(path)
    except Resolver404:
        return path
    return found.url_name or path
