"""The help page says what the code does: its numbers are the code's, and no word is left out."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from msgspec.structs import replace

from accounts.models import FeeSchedule
from accounts.tariff import SCHEDULES
from accounts.tests.factories import AccountFactory, FeeScheduleFactory
from bengi.help import facts
from bengi.help.drawings import BRACKET, DRAWINGS
from bengi.help.views import SECTIONS
from bengi.help.words import GLOSSARY, STATUSES, TIMES, TYPES, WHAT_TO_DO
from bengi.terms import CommissionKind, OrderStatus, OrderType, Realism, TimeInForce
from instruments import realism
from instruments.calendar import HOURS
from trades.matching.reasons import REASONS

ROOT = Path(settings.BASE_DIR)
LINK = re.compile(r"""\{% url ['"]help['"] %\}#([\w{}. -]+)""")


def ids_of(page):
    return re.findall(r'\bid="([^"]+)"', page)


@pytest.fixture
def help_page(client, db):
    return client.get("/help").content.decode()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (TYPES, OrderType),
        (DRAWINGS, OrderType),
        (TIMES, TimeInForce),
        (STATUSES, OrderStatus),
        (WHAT_TO_DO, REASONS),
    ],
)
def test_every_word_of_the_trade_is_told(told, words):
    assert set(told) == set(words)


def test_the_glossary_is_in_order():
    words = [word for word, _ in GLOSSARY]
    assert words == sorted(set(words), key=str.casefold)


def test_visitors_may_read_it(help_page):
    assert "How orders fill here" in help_page
    assert ">yours<" not in help_page


def test_it_changes_nothing(client, db):
    assert client.post("/help").status_code == 405


def test_every_anchor_is_there_once(help_page):
    ids = ids_of(help_page)
    assert len(ids) == len(set(ids))
    wanted = [name for name, _ in SECTIONS]
    wanted += [f"type-{kind}" for kind in OrderType]
    wanted += [f"in-force-{each}" for each in TimeInForce]
    wanted += [f"why-{code}" for code in REASONS]
    wanted += [f"status-{each}" for each in OrderStatus]
    assert set(wanted) <= set(ids)
    inside = set(re.findall(r'href="#([^"]+)"', help_page))
    assert inside <= set(ids)


def test_every_link_of_the_product_leads_to_a_heading(help_page):
    ids, found = set(ids_of(help_page)), 0
    for template in (ROOT / "templates").rglob("*.html"):
        for anchor in LINK.findall(template.read_text()):
            found += 1
            if "{" not in anchor:
                assert anchor in ids, (template.name, anchor)
    assert found >= 5


def test_numbers_of_the_profiles_are_those_of_the_code(help_page):
    rows = {fact.label: fact.texts for fact in facts.profile_facts()}
    assert rows["A quote decides for"] == ["60 seconds", "15 seconds", "5 seconds"]
    assert rows["An order arrives"] == ["at once", "at once", "250 ms later"]
    assert [text[:4] for text in rows["Where the feed shows no sizes"]] == ["any ", "10 %", "5 % "]
    assert "0.1 ×" in rows["Where the feed shows no sizes"][1]
    assert "0.2 ×" in rows["Where the feed shows no sizes"][2]
    assert all(len(texts) == len(Realism) for texts in rows.values())
    for texts in rows.values():
        for text in texts:
            assert text.replace("'", "&#x27;") in help_page


def test_a_profile_that_changes_changes_the_page(client, db, monkeypatch):
    slower = replace(realism.HARSH, latency=3 * realism.HARSH.latency)
    monkeypatch.setitem(realism.PROFILES, Realism.HARSH, slower)
    assert "750 ms later" in client.get("/help").content.decode()


def test_numbers_inside_of_sentences():
    told = facts.numbers()
    assert told["protection_percent"] == "4 %"
    assert (told["collar"], told["low_price_collar"], told["low_price"]) == ("10 %", "20 %", "5")
    assert (told["max_notional"], told["max_quantity"]) == ("250,000", "100,000")
    assert told["twins"] == "3 seconds"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("zero", "Nothing."),
        ("flat-rate", "0.1 % of the value."),
        ("per-share", "0.005 a share, at least 1.00, at most 1 % of the value."),
        (
            "tiered",
            (
                "0.0035 a share, 0.002 above 300,000 shares a month, 0.0015 above 3,000,000 shares "
                "a month, 0.001 above 20,000,000 shares a month, 0.0005 above 100,000,000 shares a "
                "month, at least 0.35, at most 1 % of the value."
            ),
        ),
    ],
)
def test_schedules_in_words(code, words):
    assert facts.fee_words(next(each for each in SCHEDULES if each.code == code)) == words


def test_a_custom_schedule_in_words():
    row = FeeSchedule(
        kind=CommissionKind.CUSTOM,
        rate=Decimal("0.0005"),
        per_share=Decimal("0.01"),
        minimum=Decimal(2),
    )
    assert facts.fee_words(row) == "0.05 % of the value and 0.01 a share, at least 2.00."


def test_fees_are_those_in_force(db):
    FeeScheduleFactory(code="house", name="Old", per_share=Decimal(1), kind="per_share")
    new = {"effective_from": date(2026, 1, 1), "kind": "per_share", "per_share": Decimal(2)}
    FeeSchedule.objects.create(code="house", name="New", **new)
    assert facts.fees_on(date(2025, 12, 31)) == [facts.Fee("house", "Old", "1 a share.")]
    assert facts.fees_on(date(2026, 1, 1)) == [facts.Fee("house", "New", "2 a share.")]


@pytest.mark.parametrize(
    ("day", "texts"),
    [
        (date(2024, 6, 1), []),
        (date(2026, 2, 1), ["0.000195 a share, at most 9.79"]),
        (
            date(2026, 11, 26),
            ["20.60 for a million of value", "0.000195 a share, at most 9.79"],
        ),
    ],
)
def test_what_regulators_take(db, day, texts):
    assert [fee.text for fee in facts.regulatory_on(day)] == texts


def test_hours_are_the_calendars(help_page):
    for mic, hours in HOURS.items():
        assert mic in help_page
        assert f"{hours.opens:%H:%M} to {hours.closes:%H:%M}" in help_page
    assert "11:30 to 12:30" in help_page
    assert "04:00 to 20:00" in help_page


def test_one_sees_what_is_ones_own(client, db, django_assert_num_queries):
    account = AccountFactory(realism="harsh")
    client.force_login(account.user)
    with django_assert_num_queries(7):
        page = client.get("/help").content.decode()
    assert re.search(r"Harsh <span class=\"chip\">yours</span>", page)
    assert re.search(r"No commission <span class=\"chip\">yours</span>", page)


def test_every_key_of_the_script_is_in_the_list():
    script = (ROOT / "static/js/shortcuts.js").read_text()
    listed = (ROOT / "templates/partials/key_rows.html").read_text()
    table = re.search(r"const KEYS = \{(.*?)\n\};", script, re.DOTALL)[1]
    keys = re.findall(r'^  "?([^\s":]+)"?:', table, re.MULTILINE)
    assert len(keys) > 5
    for key in keys:
        shown = key.upper() if len(key) == 1 else key
        assert f"<kbd>{shown}</kbd>" in listed, key


def test_drawings_stay_inside_and_say_what_they_show():
    for drawing in [*DRAWINGS.values(), BRACKET]:
        assert len(drawing.label) > 40
        lines = [drawing.price, drawing.second, *(level.points for level in drawing.levels)]
        points = [point for line in lines for point in line]
        points += [mark.words_at for mark in drawing.marks]
        points += [level.name_at for level in drawing.levels]
        assert all(0 <= x <= 320 and 0 <= y <= 132 for x, y in points)
        fills = [mark.at for mark in drawing.marks if mark.kind == "fill"]
        assert fills
        assert set(fills) & set(drawing.price) or drawing is DRAWINGS[OrderType.TRAILING_STOP]
