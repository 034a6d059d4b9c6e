"""Forms of the second factor and of keys for programs."""

from datetime import datetime, timedelta

from django import forms

from accounts.identity.grants import KEY_SCOPES, READ, TRADE
from accounts.identity.serializers import KEY_NAME_LENGTH_MAX
from accounts.preferences.forms import SettingsForm, password_field

CODE_LENGTH_MAX = 16
SCOPE_WORDS = {
    READ: "Read: prices, orders, positions, statements",
    TRADE: "Trade: place, replace and cancel orders",
}
NEVER = ""
DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "One year"), (NEVER, "Never")]


def _code() -> forms.CharField:
    return forms.CharField(
        max_length=CODE_LENGTH_MAX,
        error_messages={"required": "Write the code that your phone shows."},
    )


class BeginForm(SettingsForm):
    """The password, before a secret is shown."""

    password = password_field("Write your password.")


class ConfirmForm(SettingsForm):
    """The first code of a phone."""

    code = _code()


class ProveForm(SettingsForm):
    """Password and code, for new recovery codes and for turning it off."""

    password = password_field("Write your password.")
    code = _code()


class KeyForm(SettingsForm):
    """A key for a program: its name, what it may do, and until when.

    form_key is hidden and made with the page: sent twice, the form makes one key.
    """

    name = forms.CharField(
        max_length=KEY_NAME_LENGTH_MAX,
        error_messages={"required": "Name the program that gets the key."},
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, SCOPE_WORDS[scope]) for scope in KEY_SCOPES],
        error_messages={"required": "Choose what the program may do."},
    )
    days = forms.ChoiceField(required=False, choices=DAYS)
    form_key = forms.UUIDField(required=False)

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when the key of a valid form ends, None for never."""
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None
