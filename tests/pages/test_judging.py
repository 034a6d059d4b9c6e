"""The judges of pages find what is wrong with pages that are wrong, and nothing with a good one."""

import pytest

from tests.pages.html import Form, forms_of, read
from tests.pages.judging import NO_CHOICE, NUL, Found, Sent, beside
from tests.pages.test_lists import _without_rows
from tests.pages.test_without_script import _bare, _dead

FIELD = '<input name="note" value="{value}"{wrong}>'
WRONG = ' aria-invalid="true" aria-describedby="note-error"'
ERROR = '<p class="field__error" id="note-error">Write a note.</p>'
GOOD = FIELD.format(value="twelve", wrong=WRONG) + ERROR


def findings(inside: str, value: str = "twelve") -> list[str]:
    page = read(f'<form method="post" action="/alerts">{inside}</form>')
    (form,) = forms_of(page, "/alerts")
    found = Found(form, "trader", "alerts")
    return list(beside(Sent(found, {"note": value}, {"note": value}), form, page))


def test_a_form_that_says_what_is_wrong_passes():
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (FIELD.format(value="twelve", wrong=""), "no word beside a field"),
        (FIELD.format(value="twelve", wrong=WRONG), "names words that are not there"),
        (FIELD.format(value="twelve", wrong=' aria-invalid="true"'), "nothing says why"),
        (FIELD.format(value="", wrong=WRONG) + ERROR, "comes back as"),
        (GOOD.replace("Write a note.", "Ensure this value is less"), "not our words"),
        (GOOD.replace("<input", '<input type="password"'), "the password note comes back"),
    ],
)
def test_a_form_that_does_not_is_found(inside, words):
    assert words in " ".join(findings(inside))


@pytest.mark.parametrize("value", [NUL, NO_CHOICE])
def test_the_one_field_that_is_wrong_has_to_say_so(value):
    other = GOOD.replace("note", "other") + FIELD.format(value=value, wrong="")
    assert "does not say that note is wrong" in " ".join(findings(other, value))


def test_what_a_browser_sends_of_a_form():
    page = read(
        '<form action="?move=in"><input name="a" value="1"><input type="checkbox" name="b">'
        '<input type="radio" name="c" value="x"><input type="radio" name="c" value="y" checked>'
        '<select name="d"><option value="p"><option value="q" selected></select>'
        '<button name="go" value="up">Go</button></form>'
    )
    form = Form(next(page.all("form")), "/account?x=1")
    assert form.action == "/account?move=in"
    assert form.values == {"a": "1", "c": "y", "d": "q", "go": "up"}


TABLE = "<table><tbody><tr><td>KO</td></tr></tbody></table>"
ROWS = f'<main><section id="fills">{TABLE}</section></main>'


@pytest.mark.parametrize(
    ("poor", "words"),
    [
        ("<main></main>", "nothing in its place"),
        ('<main><section id="fills"></section></main>', "no words in the place of rows"),
        ('<main><section id="fills"><p class="empty">None</p></section></main>', "not much"),
        ('<main><section id="fills"><p class="empty">No fills yet</p></section></main>', "nowhere"),
    ],
)
def test_a_list_without_words_is_found(poor, words):
    assert words in " ".join(_without_rows(read(ROWS), read(poor)))


def test_a_list_with_words_and_a_way_on_passes():
    poor = '<p class="empty">No fills yet <a href="/trade/">Trade</a></p>'
    page = read(f'<main><section id="fills">{poor}</section></main>')
    assert list(_without_rows(read(ROWS), page)) == []


@pytest.mark.parametrize(
    "dead",
    [
        '<button type="button">Press</button>',
        "<button>Send</button>",
        '<a href="#">Go</a>',
        '<p hx-post="/orders/place">Buy</p>',
        '<form action="/orders" method="post" hx-post="/orders/place"></form>',
    ],
)
def test_what_needs_a_script_is_found(dead):
    page = read(f"<main>{dead}</main>")
    assert [*_dead(page), *_bare(page)] != []
    hidden = read(f'<main><div class="scripted">{dead}</div></main>')
    assert [*_bare(hidden), *(words for words in _dead(hidden) if "sends" not in words)] == []
