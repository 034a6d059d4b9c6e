"""Coming in, going out, how pages look, and the account."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.account_page import account_context, fresh_forms
from accounts.context import COOKIE
from accounts.conversions import convert, offer
from accounts.forms import (
    AppearanceForm,
    MoneyForm,
    SignInForm,
    SignUpForm,
)
from accounts.identity.passwords import prove_password
from accounts.identity.registering import SignUp, register_anybody
from accounts.identity.second_factor import has_second_factor
from accounts.identity.sign_ins import begin_session, end_current, expect_code, sign_in_in
from accounts.models import Account, User
from accounts.move_facts import move_facts, offer_facts
from accounts.selectors import accounts_of, main_account
from accounts.services import deposit, withdraw
from bengi import clock
from bengi.access import PageRequest, next_path, signed_in, with_next
from bengi.errors import BengiError, NotFound
from bengi.numerals import own_money, quantity

COOKIE_AGE_S = 365 * 24 * 3600


def home(request: HttpRequest) -> HttpResponse:
    """Say what this is and let people in; traders go straight to work."""
    if request.user.is_authenticated:
        return redirect("trade")
    return _front(request, SignInForm())


@sensitive_post_parameters("password")
def signin(request: HttpRequest) -> HttpResponse:
    """Sign in with e-mail and password, and go on to where one was headed."""
    if request.user.is_authenticated:
        return redirect(next_path(request, reverse("trade")))
    if request.method != "POST":
        return _front(request, SignInForm())
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _front(request, form)
    now = clock.wall()
    try:
        user = prove_password(request, **form.cleaned_data, now=now)
    except BengiError as error:
        form.add_error("password", error.detail)
        return _front(request, form, status=429 if error.status == 429 else 200)
    if has_second_factor(user):
        expect_code(request, user, now)
        return redirect(with_next(reverse("signin-code"), next_path(request, "")))
    begin_session(request, user, now=now)
    return redirect(next_path(request, reverse("trade")))


@require_POST
def demo(request: HttpRequest) -> HttpResponse:
    """Sign in as the demo trader, whose password is no secret, where there is one."""
    user = _demo_user()
    if user is None:
        raise Http404
    begin_session(request, user, now=clock.wall())
    return redirect("trade")


@sensitive_post_parameters("password")
def signup(request: HttpRequest, sign_up: SignUp) -> HttpResponse:
    """Register, open an account with demo money and go to work, or where one was headed.

    Where addresses have to be confirmed first, everybody is sent to their mails instead: also who
    has an account by that address, so that the page tells nobody who is here.
    """
    if request.user.is_authenticated:
        return redirect("trade")
    form, now = SignUpForm(request.POST or None), clock.wall()
    if request.method == "POST" and form.is_valid():
        asked = {**form.cleaned_data, "now": now, "market_now": clock.now()}
        try:
            user = register_anybody(request, sign_up, **asked)
        except BengiError as error:
            form.add_error(error.field if error.field in form.fields else None, error.detail)
        else:
            if settings.EMAIL_MUST_BE_CONFIRMED:
                return render(request, "accounts/mail_sent.html")
            if user is not None:
                begin_session(request, user, now=now)
                return redirect(next_path(request, reverse("trade")))
            form.add_error("email", "There is an account with this e-mail address already.")
    context = {"form": form, "next": next_path(request, "")}
    return render(request, "accounts/signup.html", context)


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """Leave."""
    if isinstance(request.user, User):
        end_current(request, request.user, sign_in_in(request), now=clock.wall())
    return redirect("home")


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Keep theme and colours: with the user, or in a visitor's cookie."""
    form = AppearanceForm(request.POST)
    response = redirect(next_path(request, reverse("home")))
    if not form.is_valid():
        return response
    user = request.user
    if isinstance(user, User):
        if "theme" in request.POST:
            user.theme = _theme(form.cleaned_data["theme"], user.theme)
        if "updown" in request.POST:
            user.updown = form.cleaned_data["updown"]
        user.save(update_fields=["theme", "updown"])
    else:
        theme = _theme(form.cleaned_data["theme"], request.COOKIES.get(COOKIE, ""))
        response.set_cookie(
            COOKIE, theme, max_age=COOKIE_AGE_S, secure=request.is_secure(), samesite="Lax"
        )
    return response


@signed_in
def account(request: PageRequest) -> HttpResponse:
    """Show cash per currency, what moved it, and the forms that move it; a POST moves some.

    A refused form comes back with what is wrong, on the page it was sent from. A conversion is
    shown with its rate and both amounts before it is sent.
    """
    forms = fresh_forms(request.GET.get("currency", ""))
    what = request.POST.get("what", "")
    if request.method != "POST" or what not in forms:
        return _account_page(request, forms, request.GET.get("move", ""))
    mine = _main_account(request)
    form = type(forms[what])(request.POST)
    forms[what] = form
    if form.is_valid():
        try:
            if what == "convert" and form.cleaned_data["target_amount"] is None:
                return _account_page(request, forms, what, review=_review(mine, form))
            said = _move(what, mine, form.cleaned_data)
        except BengiError as error:
            form.refuse(error)
        else:
            messages.success(request, said)
            return redirect("account")
    return _account_page(request, forms, what, status=422)


@signed_in
def account_facts(request: PageRequest) -> HttpResponse:
    """Answer a form of the account page while somebody types: what it would change."""
    forms = fresh_forms("")
    what = request.GET.get("what", "")
    if what not in forms:
        raise NotFound
    form = type(forms[what])(request.GET)
    form.is_valid()
    facts = move_facts(_main_account(request), what, form.cleaned_data, clock.now())
    return render(request, "accounts/_facts.html", {"facts": facts})


def _main_account(request: PageRequest) -> Account:
    mine = main_account(accounts_of(request.user))
    if mine is None:
        raise NotFound
    return mine


def _review(mine: Account, form: MoneyForm) -> dict[str, Any]:
    """Return what the page shows of a conversion before it is sent."""
    asked = form.cleaned_data
    told = offer(mine, asked["source"], asked["target"], asked["amount"], clock.now())
    return {"offer": told, "offer_facts": offer_facts(told)}


def _move(what: str, mine: Account, asked: dict[str, Any]) -> str:
    """Do it, and return what the page says afterwards."""
    amount, key, now = asked["amount"], asked["key"], clock.now()
    if what == "convert":
        source, target, wanted = asked["source"], asked["target"], asked["target_amount"]
        receipt = convert(mine.id, source, target, amount, target_amount=wanted, key=key, now=now)
        told = receipt.body["conversion"]
        came = own_money(Decimal(told["target_amount"]), target)
        return (
            f"{own_money(amount, source)} {source} became {came} {target} "
            f"at {told['rate_pair']} {quantity(Decimal(told['rate']))}."
        )
    currency = asked["currency"]
    if what == "deposit":
        deposit(mine, amount, currency, key=key, now=now)
        return f"{own_money(amount, currency)} {currency} came in."
    withdraw(mine.id, amount, currency, key=key, now=now)
    return f"{own_money(amount, currency)} {currency} went out."


def _account_page(
    request: PageRequest,
    forms: dict[str, MoneyForm],
    what: str,
    *,
    review: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = account_context(request.user, request.GET, forms, what, clock.now())
    context |= review or {}
    return render(request, "accounts/account.html", context, status=status)


def _front(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "next": next_path(request, ""),
        "has_demo": _demo_user() is not None,
    }
    return render(request, "accounts/front.html", context, status=status)


def _demo_user() -> User | None:
    if not (settings.DEMO_EMAIL and settings.DEMO_PASSWORD):
        return None
    return User.objects.filter(email__iexact=settings.DEMO_EMAIL, is_active=True).first()


def _theme(wanted: str, now: str) -> str:
    """Without script nobody knows what the system shows: dark, then light, then the system."""
    if wanted != "other":
        return wanted
    return {"": "dark", "dark": "light"}.get(now, "")
