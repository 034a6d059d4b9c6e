"""Forms of the settings: who one is, the password, how pages look, how trading goes."""

from functools import cache

from django import forms

from accounts.forms import THEMES, UPDOWNS
from accounts.identity.serializers import NAME_LENGTH_MAX, PASSWORD_LENGTH_MAX
from accounts.reader import zone_names
from bengi.discreet import refusal
from bengi.errors import BengiError
from bengi.plain_forms import PlainForm
from bengi.terms import Realism
from bengi.writing import LOCALES

PROFILES = [
    (Realism.INSTANT, "Instant"),
    (Realism.REALISTIC, "Realistic"),
    (Realism.HARSH, "Harsh"),
]
THEME_CHOICES = [("", "System"), ("light", "Light"), ("dark", "Dark")]
UPDOWN_CHOICES = [("", "Green up"), ("red-up", "Red up"), ("blue-orange", "Blue up")]
LOCALE_CHOICES = [(locale.code, locale.name) for locale in LOCALES]


class SettingsForm(PlainForm):
    """A form that can be refused by a service, and knows where one goes on writing."""

    def refuse(self, error: BengiError, otherwise: str) -> None:
        """Say why beside the field at fault, beside another one where that is none of ours."""
        self.add_error(error.field if error.field in self.fields else otherwise, refusal(error))

    @property
    def first_wrong(self) -> str:
        """The name of the first field that is wrong, in the order they are shown."""
        return next((name for name in self.fields if name in self.errors), "")


def password_field(required: str) -> forms.CharField:
    """Return a field for a password, blanks included."""
    return forms.CharField(
        strip=False, max_length=PASSWORD_LENGTH_MAX, error_messages={"required": required}
    )


NO_ZONE = ("", "By each exchange's clock")


@cache
def zones_by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (region, its zones): a zone is its name and how people call it."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in zone_names():
        region, _, city = name.partition("/")
        groups.setdefault(region, []).append((name, (city or name).replace("_", " ")))
    return list(groups.items())


class ProfileForm(SettingsForm):
    """Name, and how times, numbers and days are written."""

    name = forms.CharField(
        max_length=NAME_LENGTH_MAX, error_messages={"required": "Write the name to greet you with."}
    )
    time_zone = forms.ChoiceField(required=False, choices=lambda: [NO_ZONE, *zones_by_region()])
    locale = forms.ChoiceField(required=False, choices=LOCALE_CHOICES)


class EmailForm(SettingsForm):
    """Another e-mail address, and the password."""

    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Write the new e-mail address.",
            "invalid": "This is not an e-mail address.",
        },
    )
    password = password_field("Write your password.")


class PasswordForm(SettingsForm):
    """The old password for a new one."""

    password = password_field("Write the password you have.")
    new_password = password_field("Choose a new password.")


class LooksForm(SettingsForm):
    """Colours, and whether amounts are hidden."""

    theme = forms.ChoiceField(required=False, choices=[(each, each) for each in THEMES])
    updown = forms.ChoiceField(required=False, choices=[(each, each) for each in UPDOWNS])
    is_discreet = forms.BooleanField(required=False)


class TradingForm(SettingsForm):
    """How orders are given."""

    confirms_orders = forms.BooleanField(required=False)
    uses_shortcuts = forms.BooleanField(required=False)
    realism = forms.ChoiceField(
        choices=PROFILES, error_messages={"required": "Choose one of the three."}
    )
