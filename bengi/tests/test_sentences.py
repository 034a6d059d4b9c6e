"""Sentences of rules: plain for programs, in the reader's numbers on a page, dots for one's own."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from bengi import discreet
from bengi.errors import BengiError, Malformed, Refused
from bengi.problem import Invalid
from bengi.sentences import Number, apart, own, sentence
from bengi.writing import LOCALE_OF, Writing, written_for

TOO_DEAR = sentence(
    "{needed} {currency} needed, {free} available.",
    needed=apart(Decimal("1234567.5")),
    currency="USD",
    free=own(Decimal("98765.43")),
)
RULES = (
    *(
        "rules",
        "group_rules",
        "fractions",
        "notional",
        "picks",
        "hours",
        "means",
        "trailing",
        "twins",
    ),
    *("closing", "replacing", "preview", "group_notes"),
)


@pytest.mark.parametrize(
    ("code", "is_discreet", "told"),
    [
        ("", False, "1,234,567.5 USD needed, 98,765.43 available."),
        ("de", False, "1.234.567,5 USD needed, 98.765,43 available."),
        ("en-IN", False, "12,34,567.5 USD needed, 98,765.43 available."),
        ("fr", True, "1\u202f234\u202f567,5 USD needed, ••••• available."),
    ],
)
def test_a_reader_gets_their_numbers(code, is_discreet, told):
    error = Refused("insufficient_funds", TOO_DEAR)
    with written_for(lambda: Writing(LOCALE_OF[code], is_discreet=is_discreet)):
        assert discreet.refusal(error) == told
        assert error.detail == str(TOO_DEAR) == "1,234,567.5 USD needed, 98,765.43 available."


def test_plain_numbers_are_plain_to_programs_and_set_apart_on_pages():
    told = sentence("From {low} to {high}, {count} times.", low=Decimal("1000.50"), high=2, count=0)
    assert str(told) == "From 1000.5 to 2, 0 times."
    assert discreet.written(told) == "From 1,000.5 to 2, 0 times."
    assert str(sentence("{free}", free=Number(Decimal(1000), is_own=True))) == "1000"


def test_sentences_stand_in_sentences_and_words_stay():
    inner = sentence("{price}, limit {limit}", price=Decimal("1500.25"), limit=Decimal(1400))
    told = sentence("At {inner}: {word} {flag}{none}", inner=inner, word="{x}", flag=True, none="")
    assert str(told) == "At 1500.25, limit 1400: {x} True"
    with written_for(lambda: Writing(LOCALE_OF["de"])):
        assert discreet.written(told) == "At 1.500,25, limit 1.400: {x} True"


def test_whoever_carries_an_error_on_carries_its_numbers():
    error = Malformed("invalid_amount", TOO_DEAR)
    with written_for(lambda: Writing(LOCALE_OF["de"])):
        told = discreet.refusal(error)
        assert (
            discreet.refusal(Refused(errors=[error])) == discreet.refusal(Invalid([error])) == told
        )
        assert discreet.refusal(BengiError("x", "1,000 stays.")) == "1,000 stays."


@pytest.mark.parametrize("name", RULES)
def test_no_rule_writes_a_number_into_its_words_itself(name):
    source = Path(settings.BASE_DIR, "orders", f"{name}.py")
    if not source.exists():
        source = Path(settings.BASE_DIR, "orders", name, "__init__.py")
    written = [
        node.lineno
        for text in ast.walk(ast.parse(source.read_text()))
        if isinstance(text, ast.JoinedStr)
        for node in ast.walk(text)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"plain", "grouped"}
    ]
    assert written == []
