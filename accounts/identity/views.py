"""Pages of coming in: the second factor, forgotten passwords, confirming an address, staff."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from accounts.identity import passwords
from accounts.identity.addresses import confirm
from accounts.identity.forms import CodeForm, ForgotForm, ResetForm
from accounts.identity.sign_ins import begin_session, expected
from bengi import clock
from bengi.access import next_path, with_next
from bengi.errors import BengiError

RESET_KEY = "password_reset_key"
"""Where a session keeps the key from the mail, so that no address of a page has it."""


@sensitive_post_parameters("code")
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code after the password, and go on to where one was headed."""
    now = clock.wall()
    user = expected(request, now)
    if user is None:
        return redirect(with_next(reverse("signin"), next_path(request, "")))
    form, status = CodeForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            if passwords.prove_code(request, user, form.cleaned_data["code"].strip(), now=now):
                begin_session(request, user, now=now)
                return redirect(next_path(request, reverse("trade")))
            form.add_error("code", passwords.WRONG_CODE)
        except BengiError as error:
            form.add_error("code", error.detail)
            status = error.status
    context = {"form": form, "next": next_path(request, "")}
    return render(request, "accounts/code.html", context, status=status)


def forgot(request: HttpRequest) -> HttpResponse:
    """Send a mail to whoever has forgotten a password; the page tells nobody whether there is."""
    form, status = ForgotForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            passwords.send_reset(request, form.cleaned_data["email"], reverse("reset"))
        except BengiError as error:
            form.add_error("email", error.detail)
            status = error.status
        else:
            return render(request, "accounts/mail_sent.html")
    return render(request, "accounts/forgot.html", {"form": form}, status=status)


@sensitive_post_parameters("password")
def reset(request: HttpRequest) -> HttpResponse:
    """Let who comes with the key from the mail choose a password."""
    if "key" in request.GET:
        request.session[RESET_KEY] = request.GET["key"]
        return redirect("reset")
    key = request.session.get(RESET_KEY, "")
    form = ResetForm(request.POST or None)
    try:
        passwords.owner_of(key)
        if request.method == "POST" and form.is_valid():
            passwords.reset(request, key, form.cleaned_data["password"], now=clock.wall())
            request.session.pop(RESET_KEY, None)
            messages.success(request, "Your password is changed. Sign in with the new one.")
            return redirect("signin")
    except BengiError as error:
        if error.field != "password":
            return render(request, "accounts/key_gone.html", {"again": "forgot"}, status=410)
        form.add_error("password", error.detail)
    return render(request, "accounts/reset.html", {"form": form})


def verify_email(request: HttpRequest) -> HttpResponse:
    """Confirm an address. Programs that look at links in mails do not press the button."""
    key = request.POST.get("key") or request.GET.get("key", "")
    if request.method != "POST":
        return render(request, "accounts/verify.html", {"key": key})
    try:
        confirm(key, now=clock.wall())
    except BengiError:
        return render(request, "accounts/key_gone.html", {"again": "signin"}, status=410)
    messages.success(request, "Your e-mail address is confirmed.")
    return redirect("trade" if request.user.is_authenticated else "signin")


def staff_signin(request: HttpRequest) -> HttpResponse:
    """Send staff to the one sign-in there is, with its limits and its second factor."""
    headed_for = next_path(request, reverse("admin:index"))
    if not request.user.is_authenticated:
        return redirect(with_next(reverse("signin"), headed_for))
    if not getattr(request.user, "is_staff", False):
        raise PermissionDenied
    return redirect(headed_for)
