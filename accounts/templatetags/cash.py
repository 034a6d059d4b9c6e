"""Filters that know what accounts hold: names of currencies, of kinds of movements."""

from django import template

from accounts.forms import KIND_WORDS
from bengi.templatetags.parts import words
from bengi.terms import LedgerKind

register = template.Library()

_CURRENCIES = {
    "USD": "US dollar",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "CHF": "Swiss franc",
    "CAD": "Canadian dollar",
    "AUD": "Australian dollar",
    "HKD": "Hong Kong dollar",
    "JPY": "Japanese yen",
    "KRW": "South Korean won",
    "KWD": "Kuwaiti dinar",
}


@register.filter
def currency_words(code: str) -> str:
    """{{ "JPY"|currency_words }} -> Japanese yen"""
    return _CURRENCIES.get(code, code)


@register.filter
def kind_words(kind: str) -> str:
    """{{ "fx"|kind_words }} -> Conversion"""
    return KIND_WORDS.get(LedgerKind(kind)) or words(kind)
