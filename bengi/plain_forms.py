"""Forms that say what is wrong in plain words, also where nobody has chosen any for a field."""

from django import forms

WORDS = {
    "required": "Write something here.",
    "invalid_choice": "Choose one of the list.",
    "max_length": "Write at most %(limit_value)d characters.",
    "null_characters_not_allowed": "It holds a character that cannot be kept. Write it anew.",
}
"""What takes the place of the framework's words, by the code of a failed check."""
NO_ADDRESS = "This is not an e-mail address."
_STOCK = {
    "required": forms.Field.default_error_messages["required"],
    "invalid_choice": forms.ChoiceField.default_error_messages["invalid_choice"],
}


class PlainForm(forms.Form):
    """A form whose fields speak plainly. What a field says in words of its own stays."""

    def full_clean(self) -> None:
        for field in self.fields.values():
            _speak_plainly(field)
        super().full_clean()


def _speak_plainly(field: forms.Field) -> None:
    said = field.error_messages
    for code, words in WORDS.items():
        if said.get(code) in (None, _STOCK.get(code)):
            said[code] = words
    if isinstance(field, forms.EmailField):
        said.setdefault("invalid", NO_ADDRESS)
