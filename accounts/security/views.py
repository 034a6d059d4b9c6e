"""Pages of the settings that guard the account: sessions, the second factor, keys for programs.

What is shown once (recovery codes, a key) is in the answer to the form that made it, and that
answer is kept by nobody.
"""

from base64 import b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from accounts.identity import factor_changes, second_factor
from accounts.identity.api_keys import create_key, revoke_key
from accounts.identity.models import ApiKey
from accounts.identity.sign_ins import end_all, end_one, keep_session, live_of, sign_in_in
from accounts.preferences.views import settings_page
from accounts.security.forms import BeginForm, ConfirmForm, KeyForm, ProveForm
from accounts.security.places import Seat
from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.errors import BengiError, Conflict
from bengi.ids import new_id

BEGUN = "second_factor_begun"
"""Where a session keeps that its person has proved the password and is shown a secret."""
SESSIONS_MAX = 100


@signed_in
def sessions(request: PageRequest) -> HttpResponse:
    """Where one is signed in, this one first."""
    this = sign_in_in(request)
    found = live_of(request.user, clock.wall()).order_by("-last_used_at")[:SESSIONS_MAX]
    seats = sorted((Seat(row, row.id == this) for row in found), key=lambda seat: not seat.is_this)
    has_others = any(not seat.is_this for seat in seats)
    return settings_page(request, "sessions", {"seats": seats, "has_others": has_others})


@require_POST
@signed_in
def end_session(request: PageRequest, sign_in_id: UUID) -> HttpResponse:
    """End one sign-in; somebody else's is none."""
    end_one(request.user, sign_in_id, now=clock.wall())
    messages.success(request, "That session has ended.")
    return redirect("settings-sessions")


@require_POST
@signed_in
def end_others(request: PageRequest) -> HttpResponse:
    """End every sign-in but this one."""
    user, this = request.user, sign_in_in(request)
    end_all(user, because="signed_out_everywhere", by=user, now=clock.wall(), keep=this)
    keep_session(request, user, this)
    messages.success(request, "Everywhere else you have been signed out.")
    return redirect("settings-sessions")


@never_cache
@sensitive_post_parameters("password")
@signed_in
def factor(request: PageRequest) -> HttpResponse:
    """The second factor as it stands; the password begins a new one."""
    form = BeginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            given, now = form.cleaned_data["password"], clock.wall()
            factor_changes.begin(request, request.user, given, now=now)
        except BengiError as error:
            form.refuse(error, "password")
        else:
            request.session[BEGUN] = True
            return redirect("settings-factor")
    return _factor_page(request, {"begin": form})


@never_cache
@sensitive_post_parameters("code")
@sensitive_variables("codes")
@signed_in
def confirm_factor(request: PageRequest) -> HttpResponse:
    """Turn on what was begun, by its first code, and show the recovery codes, once.

    Pressed twice, the second answer is the one that is seen: it shows the same codes.
    """
    form = ConfirmForm(request.POST or None)
    if form.is_valid():
        code, now = form.cleaned_data["code"].replace(" ", ""), clock.wall()
        try:
            codes = _turn_on(request, code, now)
        except BengiError as error:
            form.refuse(error, "code")
        else:
            request.session.pop(BEGUN, None)
            return _codes_page(request, codes, "Your second factor is on")
    return (
        _factor_page(request, {"confirm": form}) if form.is_bound else redirect("settings-factor")
    )


@never_cache
@sensitive_post_parameters("password", "code")
@sensitive_variables("codes")
@signed_in
def new_codes(request: PageRequest) -> HttpResponse:
    """Make new recovery codes, proved by password and code, and show them, once."""
    form = ProveForm(request.POST or None)
    if form.is_valid():
        try:
            codes = factor_changes.renew_codes(
                request, request.user, **_proof(form), now=clock.wall()
            )
        except BengiError as error:
            form.refuse(error, "code")
        else:
            return _codes_page(request, codes, "Your new recovery codes")
    return _factor_page(request, {"renew": form}) if form.is_bound else redirect("settings-factor")


@sensitive_post_parameters("password", "code")
@signed_in
def turn_off_factor(request: PageRequest) -> HttpResponse:
    """Ask for no code any more, proved by password and code."""
    form = ProveForm(request.POST or None)
    if form.is_valid():
        try:
            factor_changes.turn_off(request, request.user, **_proof(form), now=clock.wall())
        except BengiError as error:
            form.refuse(error, "code")
        else:
            messages.success(request, "Your second factor is off.")
            return redirect("settings-factor")
    return _factor_page(request, {"off": form}) if form.is_bound else redirect("settings-factor")


@never_cache
@sensitive_variables("key")
@signed_in
def keys(request: PageRequest) -> HttpResponse:
    """Keys for programs; a new one is shown in the answer that makes it, and to a second press."""
    now, key, row = clock.wall(), "", None
    form = KeyForm(request.POST or None, initial={"scopes": ["read"], "days": "90"})
    if request.method == "POST" and form.is_valid():
        name, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
        try:
            once = {"form_key": form.cleaned_data["form_key"], "expires_at": form.ends_at(now)}
            row, key = create_key(request.user, name, scopes, **once, now=now)
            form = KeyForm(initial=form.initial)
        except BengiError as error:
            form.refuse(error, "name")
    mine = ApiKey.objects.filter(user=request.user, revoked_at=None).order_by("-created_at")
    context = {"form": form, "keys": mine, "new_key": key, "new_row": row, "now": now}
    context["form_key"] = new_id()
    return settings_page(request, "api-keys", context, [form])


@require_POST
@signed_in
def revoke(request: PageRequest, key_id: UUID) -> HttpResponse:
    """Let a key open nothing any more; somebody else's is none."""
    revoke_key(request.user, key_id, now=clock.wall())
    messages.success(request, "That key opens nothing any more.")
    return redirect("settings-keys")


@sensitive_variables("code", "codes")
def _turn_on(request: PageRequest, code: str, now: datetime) -> list[str]:
    try:
        return factor_changes.turn_on(request, request.user, code, now=now)
    except Conflict:
        codes = second_factor.just_turned_on(request.user, code, now)
        if codes is None:
            raise
        return codes


def _proof(form: ProveForm) -> dict[str, str]:
    """Return password and code of a valid form; phones show the code in two halves."""
    return {**form.cleaned_data, "code": form.cleaned_data["code"].replace(" ", "")}


def _factor_page(request: PageRequest, forms: dict[str, Any]) -> HttpResponse:
    user = request.user
    is_on = second_factor.has_second_factor(user)
    empty = {
        "begin": BeginForm(),
        "confirm": ConfirmForm(),
        "renew": ProveForm(),
        "off": ProveForm(),
    }
    context: dict[str, Any] = {"is_on": is_on, **empty, **forms}
    if is_on:
        context["codes_left"] = second_factor.recovery_codes_left(user)
    elif BEGUN in request.session:
        context |= _begun(request)
    return settings_page(request, "second-factor", context, list(forms.values()))


@sensitive_variables("begun")
def _begun(request: PageRequest) -> dict[str, Any]:
    """Return the secret that waits for its first code: as a drawing and as letters in fours."""
    begun = second_factor.begun(request.user, clock.wall())
    if begun is None:
        return {}
    secret, address = begun
    drawing = b64encode(second_factor.drawing_of(address).encode()).decode()
    fours = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"secret": fours, "address": address, "drawing": f"data:image/svg+xml;base64,{drawing}"}


@sensitive_variables("codes")
def _codes_page(request: PageRequest, codes: list[str], title: str) -> HttpResponse:
    return settings_page(request, "recovery-codes", {"codes": codes, "title": title})
