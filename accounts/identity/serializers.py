"""What clients send to /api/v1/auth/, and what they get. No secret is in any shape but its own."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from accounts.forms import THEMES, UPDOWNS
from accounts.identity.addresses import is_confirmed
from accounts.identity.grants import KEY_SCOPES
from accounts.identity.models import ApiKey, SignIn
from accounts.identity.second_factor import has_second_factor
from accounts.identity.sign_ins import Pair
from accounts.models import User
from accounts.reader import zone_names
from bengi.inputs import (
    ApiField,
    FlagField,
    Input,
    MomentField,
    SearchField,
    TextField,
    WordField,
)
from bengi.realtime.protocol import moment
from bengi.writing import LOCALE_OF

PASSWORD_LENGTH_MAX = 256
EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 120
KEY_NAME_LENGTH_MAX = 80


class EmailField(ApiField):
    """An e-mail address, without the blanks around it."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": EMAIL_LENGTH_MAX}

    def to_internal_value(self, data: Any) -> str:
        text = data.strip() if isinstance(data, str) else ""
        try:
            EmailValidator()(text)
        except ValidationError:
            text = ""
        if not 3 <= len(text) <= EMAIL_LENGTH_MAX:
            self.refuse("Send an e-mail address.")
        return text


class PasswordField(ApiField):
    """Any text without NUL, blanks included."""

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "format": "password",
            "minLength": 1,
            "maxLength": PASSWORD_LENGTH_MAX,
            "pattern": r"^[^\u0000]*$",
        }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not 1 <= len(data) <= PASSWORD_LENGTH_MAX or "\0" in data:
            self.refuse(f"Send 1 to {PASSWORD_LENGTH_MAX} characters.")
        return data


class ScopesField(ApiField):
    """A list of scopes, at least one, each once."""

    def json_schema(self) -> dict[str, Any]:
        one = {"type": "string", "enum": list(KEY_SCOPES)}
        return {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}

    def to_internal_value(self, data: Any) -> list[str]:
        is_list = isinstance(data, list) and all(isinstance(each, str) for each in data)
        if not is_list or not data or len(set(data)) < len(data) or not set(data) <= {*KEY_SCOPES}:
            self.refuse(f"Send a list of scopes: {', '.join(KEY_SCOPES)}.")
        return list(data)


class NameField(SearchField):
    """Printable text that is not blank."""

    def json_schema(self) -> dict[str, Any]:
        return {**super().json_schema(), "minLength": 1, "pattern": r"\S"}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not name:
            self.refuse("Send a name.")
        return name


class TimeZoneField(ApiField):
    """A zone by its name, such as Europe/Berlin; "" for none."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 64, "examples": ["Europe/Berlin"]}

    def to_internal_value(self, data: Any) -> str:
        if data != "" and data not in zone_names():
            self.refuse("Send the name of a time zone, such as Europe/Berlin.")
        return str(data)


class RegisterInput(Input):
    email = EmailField()
    name = NameField(max_length=NAME_LENGTH_MAX)
    password = PasswordField()


class LoginInput(Input):
    """E-mail and password; the code where there is a second factor."""

    email = EmailField()
    password = PasswordField()
    code = TextField(max_length=16, default=None)


class RefreshInput(Input):
    """The token, where it does not come as the cookie."""

    refresh_token = TextField(max_length=256, default=None)


class PasswordInput(Input):
    password = PasswordField()
    new_password = PasswordField()


class EmailInput(Input):
    """The address that is to be, and the password."""

    email = EmailField()
    password = PasswordField()


class ProfileInput(Input):
    """What of themselves people may set; what is left out stays."""

    name = NameField(max_length=NAME_LENGTH_MAX, required=False)
    theme = WordField(THEMES, required=False)
    updown = WordField(UPDOWNS, required=False)
    locale = WordField([*LOCALE_OF], required=False)
    time_zone = TimeZoneField(required=False)
    is_discreet = FlagField(required=False)
    confirms_orders = FlagField(required=False)
    uses_shortcuts = FlagField(required=False)


class VerifyEmailInput(Input):
    """The key from the mail, or the address that another mail is wanted for."""

    key = TextField(max_length=512, default=None)
    email = EmailField(default=None)


class PasswordResetInput(Input):
    email = EmailField()


class PasswordResetConfirmInput(Input):
    key = TextField(max_length=256)
    password = PasswordField()


class SecondFactorInput(Input):
    """The password, to begin; the first code, to confirm."""

    password = PasswordField(default=None)
    code = TextField(max_length=16, default=None)


class SecondFactorProofInput(Input):
    """What turns the second factor off, and makes new recovery codes."""

    password = PasswordField()
    code = TextField(max_length=16)


class ApiKeyInput(Input):
    name = NameField(max_length=KEY_NAME_LENGTH_MAX)
    scopes = ScopesField()
    expires_at = MomentField(default=None)


def pair_shape(pair: Pair) -> dict[str, Any]:
    """Return the answer that tokens are given out with."""
    return {
        "access_token": pair.access,
        "token_type": "Bearer",
        "expires_in": pair.access_s,
        "refresh_token": pair.refresh,
        "refresh_expires_in": pair.refresh_s,
        "session_id": str(pair.sign_in.id),
    }


def profile_shape(user: User) -> dict[str, Any]:
    """Return what people may know of themselves; groups are prefetched or read."""
    return {
        "id": str(user.pk),
        "email": user.email,
        "email_verified": is_confirmed(user),
        "name": user.name,
        "theme": user.theme,
        "updown": user.updown,
        "locale": user.locale,
        "time_zone": user.time_zone,
        "is_discreet": user.is_discreet,
        "confirms_orders": user.confirms_orders,
        "uses_shortcuts": user.uses_shortcuts,
        "roles": sorted(group.name for group in user.groups.all()),
        "second_factor": has_second_factor(user),
        "created_at": moment(user.created_at),
    }


def sign_in_shape(sign_in: SignIn, current: UUID | None) -> dict[str, Any]:
    """Return a session as its owner may see it."""
    return {
        "id": str(sign_in.id),
        "kind": sign_in.kind,
        "address": sign_in.address,
        "user_agent": sign_in.user_agent,
        "created_at": moment(sign_in.created_at),
        "last_used_at": moment(sign_in.last_used_at),
        "expires_at": moment(sign_in.expires_at),
        "is_current": sign_in.id == current,
    }


def api_key_shape(key: ApiKey) -> dict[str, Any]:
    """Return a key without its secret."""
    return {
        "id": str(key.id),
        "name": key.name,
        "scopes": key.scopes,
        "created_at": moment(key.created_at),
        "last_used_at": moment(key.last_used_at) if key.last_used_at else None,
        "expires_at": moment(key.expires_at) if key.expires_at else None,
    }
