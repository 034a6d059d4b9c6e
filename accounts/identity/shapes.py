"""What /api/v1/auth/ answers, for the document of the API."""

from typing import Annotated, Literal

from msgspec import Meta

from bengi.schema.shapes import Id, Moment, Shape

Seconds = Annotated[int, Meta(description="In seconds.")]
Scope = Literal["read", "trade"]


class Told(Shape):
    """What has been done, in words; the same for every address."""

    detail: str


class AccessToken(Shape):
    """A token for the header Authorization."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Seconds


class TokensBesideCookie(AccessToken):
    """A pair whose refresh token is in the cookie alone, as the one before was."""

    refresh_expires_in: Seconds
    session_id: Id


class Tokens(TokensBesideCookie):
    """A pair: the access token is for requests, the refresh token for the next pair, once."""

    refresh_token: str


class VerifiedEmail(Shape):
    """An address that is confirmed now."""

    email: str
    email_verified: Literal[True]


class Email(Shape):
    """The address somebody has, and the one that waits for its confirmation."""

    email: str
    email_verified: bool
    waiting: str | None


class Profile(Shape):
    """What people may know of themselves."""

    id: Id
    email: str
    email_verified: bool
    name: str
    theme: str
    updown: str
    locale: str
    time_zone: str
    is_discreet: bool
    confirms_orders: bool
    uses_shortcuts: bool
    roles: list[str]
    second_factor: bool
    created_at: Moment


class Session(Shape):
    """Where somebody is signed in."""

    id: Id
    kind: str
    address: str
    user_agent: str
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    is_current: bool


class SecondFactor(Shape):
    """Whether a code is asked for, and how many of those for a lost phone are left."""

    enabled: bool
    recovery_codes_left: int


class SecondFactorBegun(Shape):
    """The secret of a factor that counts once its first code is sent."""

    secret: str
    otpauth_url: str


class RecoveryCodes(Shape):
    """Codes for a lost phone, each good once; they are told this one time."""

    recovery_codes: list[str]


class ApiKey(Shape):
    """A key for programs, without its secret."""

    id: Id
    name: str
    scopes: list[Scope]
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None


class NewApiKey(ApiKey):
    """A key with its secret, which is told this one time."""

    key: Annotated[str, Meta(pattern="^bk_")]
