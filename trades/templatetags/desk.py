"""Marks of the staff's desk: a shape and a word, never colour alone."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def mark(state: str, words: str = "") -> SafeString:
    """{% mark "late" %}: ok, late, down or off, with its shape; words instead of the state's."""
    return format_html('<span class="mark mark--{}">{}</span>', state, words or state)
