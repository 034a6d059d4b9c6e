"""Pages of the settings: profile, password, appearance, trading. security/ has the others.

Each is a form that comes back, with what was typed and what is wrong, until it is right.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.identity import passwords
from accounts.identity.addresses import ask_for_change, forget_change, waiting_address
from accounts.identity.profile import change_profile
from accounts.identity.sign_ins import sign_in_in
from accounts.models import Account
from accounts.preferences.forms import (
    NO_ZONE,
    THEME_CHOICES,
    UPDOWN_CHOICES,
    EmailForm,
    LooksForm,
    PasswordForm,
    ProfileForm,
    SettingsForm,
    TradingForm,
    zones_by_region,
)
from accounts.selectors import open_accounts_of
from accounts.services import set_realism
from bengi import clock, numerals
from bengi.access import PageRequest, next_path, signed_in
from bengi.errors import BengiError
from bengi.terms import Realism
from bengi.writing import LOCALES, Locale, Writing, long_day, written_for

SAVED = "Saved."
EXAMPLE, EXAMPLE_DAY = Decimal("1234567.89"), date(2026, 3, 31)
SWITCHES = ("is_discreet", "uses_shortcuts")


@signed_in
def profile(request: PageRequest) -> HttpResponse:
    """Name, time zone and the way numbers are written."""
    user = request.user
    if request.method != "POST":
        return _profile_page(request)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _profile_page(request, profile=form)
    change_profile(user, form.cleaned_data)
    messages.success(request, SAVED)
    return redirect("settings-profile")


@sensitive_post_parameters("password")
@signed_in
def email(request: PageRequest) -> HttpResponse:
    """Ask for another e-mail address; a link in a mail to it makes it count."""
    if request.method != "POST":
        return redirect("settings-profile")
    form = EmailForm(request.POST)
    if form.is_valid():
        try:
            passwords.prove_again(
                request, request.user, form.cleaned_data["password"], field="password"
            )
            ask_for_change(request, request.user, form.cleaned_data["email"])
        except BengiError as error:
            form.refuse(error, "email")
        else:
            messages.success(request, "Look into your mail: a link there confirms the address.")
            return redirect("settings-profile")
    return _profile_page(request, address=form)


@require_POST
@signed_in
def keep_email(request: PageRequest) -> HttpResponse:
    """Let the address that waits for its confirmation never count."""
    forget_change(request.user)
    messages.success(request, "Your address stays what it is.")
    return redirect("settings-profile")


@sensitive_post_parameters("password", "new_password")
@signed_in
def password(request: PageRequest) -> HttpResponse:
    """Change the password; every other sign-in ends."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, kept = form.cleaned_data, sign_in_in(request)
        try:
            passwords.prove_again(request, request.user, given["password"], field="password")
            passwords.change(
                request, request.user, given["new_password"], keep=kept, now=clock.wall()
            )
        except BengiError as error:
            form.refuse(error, "password")
        else:
            said = "Your password is changed. Everywhere else you have been signed out."
            messages.success(request, said)
            return redirect("settings-password")
    return settings_page(request, "password", {"form": form}, [form])


@signed_in
def appearance(request: PageRequest) -> HttpResponse:
    """Theme, colours of up and down, and whether amounts are hidden."""
    form = LooksForm(request.POST) if request.method == "POST" else _of_user(LooksForm, request)
    if form.is_bound and form.is_valid():
        change_profile(request.user, form.cleaned_data)
        messages.success(request, SAVED)
        return redirect("settings-appearance")
    context = {"form": form, "themes": THEME_CHOICES, "updowns": UPDOWN_CHOICES}
    return settings_page(request, "appearance", context, [form])


@signed_in
def trading(request: PageRequest) -> HttpResponse:
    """Whether orders are reviewed, single keys, and how close to a real market one trades."""
    account = open_accounts_of(request.user).prefetch_related(None).first()
    form = _trading_form(request, account)
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        realism = values.pop("realism", None)
        if account is not None:
            set_realism(account.id, Realism(realism), by=request.user, now=clock.now())
        change_profile(request.user, values)
        messages.success(request, SAVED)
        return redirect("settings-trading")
    context = {"form": form, "account": account, "profiles": TradingForm.base_fields["realism"]}
    return settings_page(request, "trading", context, [form])


@require_POST
@signed_in
def switch(request: PageRequest) -> HttpResponse:
    """Turn one thing on or off from any page, the other way where nothing is said."""
    name = request.POST.get("what", "")
    if name in SWITCHES:
        said = request.POST.get("to", "")
        is_on = said == "on" if said else not getattr(request.user, name)
        change_profile(request.user, {name: is_on})
    return redirect(next_path(request, reverse("settings-appearance")))


def settings_page(
    request: PageRequest, section: str, context: dict[str, Any], forms: list[Any] | None = None
) -> HttpResponse:
    """Answer with a section of the settings: 422 where a form of it was refused."""
    is_refused = any(form.is_bound and form.errors for form in forms or [])
    shown = {"place": "settings", "section": section}
    name = f"settings/{section.replace('-', '_')}.html"
    return render(request, name, shown | context, status=422 if is_refused else 200)


def _profile_page(
    request: PageRequest, profile: SettingsForm | None = None, address: SettingsForm | None = None
) -> HttpResponse:
    context = {
        "form": profile or _of_user(ProfileForm, request),
        "address": address or EmailForm(),
        "waiting": waiting_address(request.user),
        "no_zone": NO_ZONE,
        "zones": zones_by_region(),
        "locales": [(each.code, each.name, _example(each)) for each in LOCALES],
    }
    return settings_page(request, "profile", context, [context["form"], context["address"]])


def _example(locale: Locale) -> str:
    """Show how a locale writes a number and a day."""
    with written_for(lambda: Writing(locale)):
        return f"{numerals.fixed(EXAMPLE, 2)}, {long_day(EXAMPLE_DAY)}"


def _of_user(form: type[SettingsForm], request: PageRequest, **more: Any) -> SettingsForm:
    """Return a form that shows what the user has."""
    names = (name for name in form.base_fields if hasattr(request.user, name))
    return form(initial={name: getattr(request.user, name) for name in names} | more)


def _trading_form(request: PageRequest, account: Account | None) -> SettingsForm:
    if request.method != "POST":
        form = _of_user(TradingForm, request, realism=account and account.realism)
    else:
        form = TradingForm(request.POST)
    if account is None:
        del form.fields["realism"]
    return form
