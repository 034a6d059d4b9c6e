"""Every form of every page, found by itself, is sent nonsense, and has to answer like a person.

Whatever was typed comes back as it was (passwords aside), what is wrong is said in plain words
beside its field, and nothing ever breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import Resolver404, resolve

from tests.pages.addresses import NOT_PAGES, PAGES, POSTED, routes
from tests.pages.html import Element, Form, forms_of, read, value_of
from tests.pages.stage import StageTest, told, undone

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
CHOICES_GO_BACK = {"appearance", "realism"}
"""A choice that is none can only be made up: they lead back to where it was sent from."""
FRAMEWORK_WORDS = ("Ensure this", "Select a valid", "Null char", "Enter a valid", "required.")
PAGES_WITH_THE_BAR = ("orders", "forgot")
"""The bar is on every page: its forms are looked at here alone."""


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


class FormsTest(StageTest):
    def test_every_route_is_a_page_or_is_not(self) -> None:
        kinds = [set(PAGES), POSTED, set(NOT_PAGES)]
        assert routes() == set().union(*kinds)
        assert len(routes()) == sum(map(len, kinds))

    def test_every_page_is_shown_and_every_post_has_its_form(self) -> None:
        assert {route for route in PAGES if not any(self.shown(route))} == set()
        named = {path for page in self.pages() for path in _named(page)}
        assert POSTED - {_route(path) for path in named} <= SHOWN_AFTER_A_POST

    def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(self) -> None:
        findings = []
        for found in self.forms():
            client = self.stage.client(found.who)
            for sent in _nonsense(found):
                answer = _send(client, sent)
                findings += [sent.finding(words) for words in _judge(sent, answer)]
        assert not findings, told(findings)

    def test_a_second_press_does_no_harm(self) -> None:
        for found in self.forms():
            client = self.stage.client(found.who)
            sent = Sent(found, dict(found.form.values), {})
            assert _send(client, sent).status_code < 500, found.name
            assert _send(client, sent).status_code < 500, found.name

    def test_a_form_that_is_too_old_says_so(self) -> None:
        for found in self.forms():
            if found.form.method == "post":
                client = Client(enforce_csrf_checks=True, raise_request_exception=False)
                client.cookies = self.stage.client(found.who).cookies
                answer = client.post(found.form.action, found.form.values)
                assert answer.status_code == 403, found.name
                assert b"too old" in answer.content, found.name
                assert b"Go back" in answer.content, found.name

    def test_who_is_signed_out_meanwhile_comes_back_to_the_page(self) -> None:
        for found in self.forms():
            if found.who not in SIGNED_IN or found.form.method != "post":
                continue
            if found.route in OPEN_TO_ALL:
                continue
            page = f"http://testserver{found.form.asked}"
            answer = Client().post(found.form.action, found.form.values, headers={"Referer": page})
            assert answer.status_code == 302, found.name
            assert answer["Location"].startswith("/signin?next="), found.name

    def forms(self) -> Iterator[Found]:
        """Yield every form there is, once."""
        seen = set()
        for route in PAGES:
            for who, pages in self.shown(route).items():
                for address, page in pages.items():
                    for form in forms_of(page, address):
                        if "popover" in form.element.attrs:
                            continue  # a script alone shows it, and sends nothing
                        found = Found(form, who, _route(form.action))
                        key = (found.name, form.values.get("what"), form.values.get("move"))
                        if key not in seen and (route in PAGES_WITH_THE_BAR or not _in_bar(form)):
                            seen.add(key)
                            yield found

    def pages(self) -> Iterator[Element]:
        for route in PAGES:
            for pages in self.shown(route).values():
                yield from pages.values()


SIGNED_IN = {"trader", "newcomer", "stranger", "beginning", "guarded"}
OPEN_TO_ALL = {"appearance", "signout", "forgot", "verify-email"}
SHOWN_AFTER_A_POST = {"order_place", "demo"}
"""The review of an order comes after its ticket, and there is no demo on the stage: tests of orders
and of accounts look at them."""


def _nonsense(found: Found) -> Iterator[Sent]:
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


def _send(client: Client, sent: Sent) -> Any:
    form = sent.found.form
    return undone(client, form.method, form.action, sent.values)


def _judge(sent: Sent, answer: Any) -> Iterator[str]:
    """Yield what is wrong with the answer to nonsense."""
    if answer.status_code in {204, 302}:
        yield from _taken(sent, answer)
    elif answer.status_code not in {200, 422, 429}:
        yield f"answers {answer.status_code}"
    else:
        page = read(answer.content.decode())
        again = _same(sent.found, page)
        if again is not None:
            yield from _beside(sent, again, page)
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


def _beside(sent: Sent, form: Form, page: Element) -> Iterator[str]:
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
    beside = [page.by_id(each) for each in ids]
    if None in beside:
        yield f"{name} names words that are not there"
    said = " ".join(each.text for each in beside if each and "field__error" in each.classes)
    if not said:
        yield f"{name} is wrong, and nothing says why"
    if any(words in said for words in FRAMEWORK_WORDS):
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
        if form.shape == found.form.shape and _route(form.action) == found.route:
            same_move = form.values.get("what") == found.form.values.get("what")
            if same_move:
                return form
    return None


def _named(page: Element) -> Iterator[str]:
    """Yield every address that a form or a script posts to."""
    for each in page.all():
        for name in ("action", "hx-post"):
            if each.attrs.get(name):
                yield each.attrs[name]


def _route(address: str) -> str:
    path = address.partition("?")[0].partition("#")[0]
    try:
        found = resolve(path)
    except Resolver404:
        return path
    return found.url_name or path


def _in_bar(form: Form) -> bool:
    """Whether it stands in what every page has: the bar, or the help of the keyboard."""
    above = list(form.element.up())
    return any("bar" in each.classes or each.attrs.get("id") == "keys" for each in above)
