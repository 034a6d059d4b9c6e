"""/api/v1/auth/: coming in, going out, and what people may see and change of themselves."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import factor_changes, second_factor, shapes
from accounts.identity.addresses import confirm, send_confirmation
from accounts.identity.api_keys import create_key, revoke_key
from accounts.identity.grants import Grant
from accounts.identity.models import ApiKey, SignIn
from accounts.identity.passwords import (
    change,
    prove_again,
    prove_both,
    reset,
    send_reset,
)
from accounts.identity.profile import change_profile
from accounts.identity.registering import SignUp, register_anybody
from accounts.identity.serializers import (
    ApiKeyInput,
    LoginInput,
    PasswordInput,
    PasswordResetConfirmInput,
    PasswordResetInput,
    ProfileInput,
    RefreshInput,
    RegisterInput,
    SecondFactorInput,
    SecondFactorProofInput,
    VerifyEmailInput,
    api_key_shape,
    pair_shape,
    profile_shape,
    sign_in_shape,
)
from accounts.identity.sign_ins import (
    Pair,
    begin_tokens,
    end_all,
    end_current,
    end_one,
    live_of,
    refresh,
)
from accounts.identity.tokens import issue_access
from accounts.models import User
from bengi import clock
from bengi.errors import Malformed, NotAuthenticated
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.limits.address import client_address
from bengi.limits.limiter import require
from bengi.limits.table import MAIL_ADDRESS
from bengi.pagination import PageInput, page
from bengi.schema.operation import operation
from bengi.schema.shapes import Page

REFRESH_PATH = "/api/v1/auth/refresh"
RESET_PAGE = "/password/reset"
LOOK_IN_MAIL = "If this address can be written to, there is a mail on its way to it."


def grant_of(request: Any) -> Grant:
    """Return how the request came in."""
    return request.auth or Grant()


class _OpenView(APIView):
    """For everybody: nobody has to be signed in, and a bad token beside it does no harm."""

    authentication_classes = ()
    permission_classes = ()


class RegisterView(_OpenView):
    """Sign up. The answer is the same for an address that has an account already."""

    sign_up: SignUp | None = None

    @operation(
        "Register",
        body=RegisterInput,
        answers=shapes.Told,
        status=202,
        refuses=("weak_password",),
        public=True,
    )
    def post(self, request: ApiRequest) -> Response:
        values = read_body(RegisterInput, request.data)
        assert self.sign_up is not None, "the router says how"
        now, market_now = clock.wall(), clock.now()
        register_anybody(request._request, self.sign_up, **values, now=now, market_now=market_now)
        return Response({"detail": LOOK_IN_MAIL}, status=202)


class LoginView(_OpenView):
    """E-mail and password, and a code where there is a second factor, for a pair of tokens."""

    @operation(
        "Sign in",
        body=LoginInput,
        answers=shapes.Tokens,
        refuses=("invalid_credentials", "second_factor_required"),
        refuses_also=("invalid_code",),
        public=True,
    )
    @sensitive_variables("values")
    def post(self, request: ApiRequest) -> Response:
        values = read_body(LoginInput, request.data)
        now = clock.wall()
        user = prove_both(request._request, **values, now=now)
        return with_cookie(begin_tokens(request._request, user, now=now), is_told=True)


class RefreshView(_OpenView):
    """A refresh token, from the body or the cookie, for the next pair."""

    @operation(
        "Refresh tokens",
        body=RefreshInput,
        answers=(shapes.Tokens, shapes.TokensBesideCookie),
        refuses=("not_authenticated", "token_invalid", "token_expired", "token_reused"),
        public=True,
    )
    def post(self, request: ApiRequest) -> Response:
        told = read_body(RefreshInput, request.data)["refresh_token"]
        token = told or request.COOKIES.get(settings.REFRESH_COOKIE_NAME)
        if not token:
            raise NotAuthenticated("not_authenticated", "Send the refresh token.")
        pair = refresh(request._request, token, now=clock.wall())
        return with_cookie(pair, is_told=told is not None)


def with_cookie(pair: Pair, *, is_told: bool) -> Response:
    """Answer with a pair. What came as a cookie goes as a cookie only: scripts never see it."""
    shape = pair_shape(pair)
    if not is_told:
        del shape["refresh_token"]
    response = Response(shape)
    response["Cache-Control"] = "no-store"
    response.set_cookie(
        settings.REFRESH_COOKIE_NAME,
        pair.refresh,
        max_age=pair.refresh_s,
        path=REFRESH_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


class LogoutView(APIView):
    """This sign-in ends, its tokens and sockets with it."""

    @operation("Sign out", body=Input, answers=None, status=204)
    def post(self, request: ApiRequest) -> Response:
        read_body(Input, request.data)
        end_current(request._request, request.user, grant_of(request).sign_in_id, now=clock.wall())
        return _gone()


class LogoutAllView(APIView):
    """Every sign-in of this person ends, this one too."""

    @operation("Sign out everywhere", body=Input, answers=None, status=204)
    def post(self, request: ApiRequest) -> Response:
        read_body(Input, request.data)
        _end_all(request)
        return _gone()


def _end_all(request: ApiRequest) -> None:
    user = request.user
    end_all(user, because="signed_out_everywhere", by=user, now=clock.wall())


def _gone() -> Response:
    """Answer 204, and take the refresh cookie away."""
    response = Response(status=204)
    response.delete_cookie(settings.REFRESH_COOKIE_NAME, path=REFRESH_PATH, samesite="Strict")
    return response


class PasswordView(APIView):
    """A new password for the old one. Every other sign-in ends."""

    @operation(
        "Change the password",
        body=PasswordInput,
        answers=shapes.AccessToken,
        also={204: None},
        refuses=("wrong_password", "weak_password"),
    )
    @sensitive_variables("values")
    def put(self, request: ApiRequest) -> Response:
        values = read_body(PasswordInput, request.data)
        user, plain, now = request.user, request._request, clock.wall()
        prove_again(plain, user, values["password"], field="password")
        kept = grant_of(request).sign_in_id
        change(plain, user, values["new_password"], keep=kept, now=now)
        sign_in = SignIn.objects.filter(id=kept, kind=SignIn.Kind.TOKEN).first() if kept else None
        if sign_in is None:
            return Response(status=204)
        access = issue_access(sign_in, now)
        return Response(
            {"access_token": access, "token_type": "Bearer", "expires_in": Pair.access_s}
        )


class ProfileView(APIView):
    """Who one is."""

    @operation("Get the profile", answers=shapes.Profile)
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        return Response(profile_shape(request.user))

    @operation("Change the profile", body=ProfileInput, answers=shapes.Profile)
    def patch(self, request: ApiRequest) -> Response:
        values = read_body(ProfileInput, request.data)
        change_profile(request.user, values, sign_in_id=grant_of(request).sign_in_id)
        return Response(profile_shape(request.user))


class VerifyEmailView(_OpenView):
    """The key from the mail confirms the address; an address alone asks for another mail."""

    @operation(
        "Verify an address",
        body=VerifyEmailInput,
        answers=shapes.VerifiedEmail,
        also={202: shapes.Told},
        refuses_also=("token_invalid",),
        public=True,
    )
    def post(self, request: ApiRequest) -> Response:
        values = read_body(VerifyEmailInput, request.data)
        if values["key"] is not None:
            address = confirm(values["key"], now=clock.wall())
            return Response({"email": address.email, "email_verified": True})
        if values["email"] is None:
            raise Malformed("invalid_field", "Send the key, or the address.", field="key")
        require(MAIL_ADDRESS, client_address(request._request))
        user = User.objects.filter(email__iexact=values["email"], is_active=True).first()
        if user is not None:
            send_confirmation(request._request, user)
        return Response({"detail": LOOK_IN_MAIL}, status=202)


class PasswordResetView(_OpenView):
    """Ask for a mail with a key to set a new password. The answer is the same for everybody."""

    @operation(
        "Ask for a password reset",
        body=PasswordResetInput,
        answers=shapes.Told,
        status=202,
        public=True,
    )
    def post(self, request: ApiRequest) -> Response:
        email = read_body(PasswordResetInput, request.data)["email"]
        send_reset(request._request, email, RESET_PAGE)
        return Response({"detail": LOOK_IN_MAIL}, status=202)


class PasswordResetConfirmView(_OpenView):
    """The key from the mail, for a new password. Every sign-in ends."""

    @operation(
        "Confirm a password reset",
        body=PasswordResetConfirmInput,
        answers=None,
        status=204,
        refuses=("weak_password",),
        refuses_also=("token_invalid",),
        public=True,
    )
    @sensitive_variables("values")
    def post(self, request: ApiRequest) -> Response:
        values = read_body(PasswordResetConfirmInput, request.data)
        require(MAIL_ADDRESS, client_address(request._request))
        reset(request._request, values["key"], values["password"], now=clock.wall())
        return Response(status=204)


class SessionsView(APIView):
    """Where one is signed in."""

    @operation("List sessions", query=PageInput, answers=Page[shapes.Session])
    def get(self, request: ApiRequest) -> Response:
        query = read_query(PageInput, request.query_params)
        current = grant_of(request).sign_in_id
        found = live_of(request.user, clock.wall())

        def shape(sign_in: SignIn) -> dict[str, Any]:
            return sign_in_shape(sign_in, current)

        return Response(page(found, by=("-id",), shape=shape, **query))

    @operation("End all sessions", answers=None, status=204)
    def delete(self, request: ApiRequest) -> Response:
        _end_all(request)
        return _gone()


class SessionView(APIView):
    """One of them."""

    @operation("End a session", answers=None, status=204)
    def delete(self, request: ApiRequest, sign_in_id: UUID) -> Response:
        end_one(request.user, sign_in_id, now=clock.wall())
        return Response(status=204)


class SecondFactorView(APIView):
    """The second factor: the password begins one, its first code turns it on, both turn it off."""

    @operation("Get the second factor", answers=shapes.SecondFactor)
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        return Response(
            {
                "enabled": second_factor.has_second_factor(request.user),
                "recovery_codes_left": second_factor.recovery_codes_left(request.user),
            }
        )

    @operation(
        "Turn on the second factor",
        body=SecondFactorInput,
        answers=(shapes.SecondFactorBegun, shapes.RecoveryCodes),
        refuses=(
            "wrong_password",
            "invalid_code",
            "second_factor_exists",
            "second_factor_not_begun",
        ),
    )
    @sensitive_variables("values", "secret", "codes")
    def post(self, request: ApiRequest) -> Response:
        values = read_body(SecondFactorInput, request.data)
        user, plain, now = request.user, request._request, clock.wall()
        if (values["password"] is None) == (values["code"] is None):
            detail = "Send the password to begin, or the code to confirm."
            raise Malformed("invalid_field", detail, field="password")
        if values["code"] is None:
            secret, address = factor_changes.begin(plain, user, values["password"], now=now)
            return Response({"secret": secret, "otpauth_url": address})
        codes = factor_changes.turn_on(plain, user, values["code"], now=now)
        return Response({"recovery_codes": codes})

    @operation(
        "Turn off the second factor",
        body=SecondFactorProofInput,
        answers=None,
        status=204,
        refuses=("wrong_password", "invalid_code"),
    )
    @sensitive_variables("values")
    def delete(self, request: ApiRequest) -> Response:
        values = read_body(SecondFactorProofInput, request.data)
        user, plain = request.user, request._request
        factor_changes.turn_off(plain, user, **values, now=clock.wall())
        return Response(status=204)


class RecoveryCodesView(APIView):
    """Codes for a lost phone: new ones, by password and code, in the place of the old ones."""

    @operation(
        "Renew the recovery codes",
        body=SecondFactorProofInput,
        answers=shapes.RecoveryCodes,
        refuses=("wrong_password", "invalid_code"),
    )
    @sensitive_variables("values", "codes")
    def post(self, request: ApiRequest) -> Response:
        values = read_body(SecondFactorProofInput, request.data)
        user, plain = request.user, request._request
        codes = factor_changes.renew_codes(plain, user, **values, now=clock.wall())
        response = Response({"recovery_codes": codes})
        response["Cache-Control"] = "no-store"
        return response


class ApiKeysView(APIView):
    """Keys for programs. A key's secret is in the answer that makes it, and nowhere after."""

    @operation("List API keys", query=PageInput, answers=Page[shapes.ApiKey])
    def get(self, request: ApiRequest) -> Response:
        query = read_query(PageInput, request.query_params)
        found = ApiKey.objects.filter(user=request.user, revoked_at=None)
        return Response(page(found, by=("-id",), shape=api_key_shape, **query))

    @operation(
        "Create an API key",
        body=ApiKeyInput,
        answers=shapes.NewApiKey,
        status=201,
        refuses=("too_many_keys",),
    )
    @sensitive_variables("key")
    def post(self, request: ApiRequest) -> Response:
        values = read_body(ApiKeyInput, request.data)
        row, key = create_key(request.user, **values, now=clock.wall())
        response = Response({**api_key_shape(row), "key": key}, status=201)
        response["Cache-Control"] = "no-store"
        return response


class ApiKeyView(APIView):
    """One of them."""

    @operation("Revoke an API key", answers=None, status=204)
    def delete(self, request: ApiRequest, key_id: UUID) -> Response:
        revoke_key(request.user, key_id, now=clock.wall())
        return Response(status=204)
