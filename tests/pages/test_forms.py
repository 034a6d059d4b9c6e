"""Every form of every page, found by itself, is sent nonsense, and has to answer like a person.

Whatever was typed comes back as it was (passwords aside), what is wrong is said in plain words
beside its field, and nothing ever breaks.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.test import Client

from tests.pages.addresses import NOT_PAGES, PAGES, POSTED, routes
from tests.pages.html import Element, Form, forms_of
from tests.pages.judging import Found, Sent, judge, nonsense, route_of, send
from tests.pages.stage import StageTest, told

PAGES_WITH_THE_BAR = ("orders", "forgot")
"""The bar is on every page: its forms are looked at here alone."""
SIGNED_IN = {"trader", "newcomer", "stranger", "beginning", "guarded"}
OPEN_TO_ALL = {"appearance", "signout", "forgot", "verify-email"}
SHOWN_AFTER_A_POST = {"order_place", "demo"}
"""The review of an order comes after its ticket, and there is no demo on the stage: tests of orders
and of accounts look at them."""


class FormsTest(StageTest):
    def test_every_route_is_a_page_or_is_not(self) -> None:
        kinds = [set(PAGES), POSTED, set(NOT_PAGES)]
        assert routes() == set().union(*kinds)
        assert len(routes()) == sum(map(len, kinds))

    def test_every_page_is_shown_and_every_post_has_its_form(self) -> None:
        assert {route for route in PAGES if not any(self.shown(route))} == set()
        named = {path for page in self.pages() for path in _named(page)}
        assert POSTED - {route_of(path) for path in named} <= SHOWN_AFTER_A_POST

    def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(self) -> None:
        findings = []
        for found in self.forms():
            client = self.stage.client(found.who)
            for sent in nonsense(found):
                answer = send(client, sent)
                findings += [sent.finding(words) for words in judge(sent, answer)]
        assert not findings, told(findings)

    def test_a_second_press_does_no_harm(self) -> None:
        for found in self.forms():
            client = self.stage.client(found.who)
            sent = Sent(found, dict(found.form.values), {})
            assert send(client, sent).status_code < 500, found.name
            assert send(client, sent).status_code < 500, found.name

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
                        found = Found(form, who, route_of(form.action))
                        key = (found.name, form.values.get("what"), form.values.get("move"))
                        if key not in seen and (route in PAGES_WITH_THE_BAR or not _in_bar(form)):
                            seen.add(key)
                            yield found

    def pages(self) -> Iterator[Element]:
        for route in PAGES:
            for pages in self.shown(route).values():
                yield from pages.values()


def _named(page: Element) -> Iterator[str]:
    """Yield every address that a form or a script posts to."""
    for each in page.all():
        for name in ("action", "hx-post"):
            if each.attrs.get(name):
                yield each.attrs[name]


def _in_bar(form: Form) -> bool:
    """Whether it stands in what every page has: the bar, or the help of the keyboard."""
    above = list(form.element.up())
    return any("bar" in each.classes or each.attrs.get("id") == "keys" for each in above)
