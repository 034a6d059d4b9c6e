"""Staff's view of people: who there is and what they may do. Nobody is deleted, books name them."""

from collections.abc import Callable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.people import disable, enable
from accounts.roles import ROLES, STAFF, grant, revoke, role_of
from accounts.sessions import revoke_sessions
from bengi import clock
from bengi.admin_pages import ActsOnRows, AddOnlyAdmin, ReasonForm, reason_of
from bengi.onboarding import enroll

# What a role may do is said in accounts/roles.py; addresses and factors are their owners'.
admin.site.unregister([Group, EmailAddress, Authenticator])
admin.site.index_title = "Staff desk"


class NewUserForm(forms.ModelForm):
    """Somebody new; they may change the password themselves."""

    role = forms.ChoiceField(choices=[(role, role) for role in ROLES])
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, nothing common and nothing like the name.",
    )

    class Meta:
        model = User
        fields = ["email", "name"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        email, name = values.get("email") or "", values.get("name") or ""
        if email and User.objects.filter(email__iexact=email).exists():
            self.add_error("email", "There is an account with this e-mail address already.")
        try:
            validate_password(values.get("password", ""), User(email=email, name=name))
        except ValidationError as error:
            self.add_error("password", error)
        return values


ASKED = ("email", "name", "role", "password")
SHOWN = ("email", "name", "role", "is_active", "is_superuser", "last_login", "created_at")


@admin.register(User)
class UserAdmin(AddOnlyAdmin, ActsOnRows):
    """People are added; actions of the list change what they may do, each with its audit row."""

    form = NewUserForm
    action_form = ReasonForm
    list_display = ["email", "name", "role", "is_active", "last_login", "created_at"]
    list_filter = ["is_active", "groups", "is_superuser"]
    date_hierarchy = "created_at"
    search_fields = ["email", "name"]
    ordering = ["email"]
    actions = [
        *("make_dealer", "make_admin", "take_roles"),
        *("disable_selected", "enable_selected", "sign_out_selected"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ASKED if obj is None else SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else SHOWN

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Enroll who the form says; the rows are written by the service."""
        by: Any = request.user
        told = form.cleaned_data
        person = (told["email"], told["name"], told["password"], told["role"])
        obj.pk = enroll(*person, by=by, now=clock.now()).pk

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return role_of(user)

    @admin.action(description="Make them dealers", permissions=["change"])
    def make_dealer(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._do(request, queryset, lambda user, **by: grant(user, "dealer", **by), "is a dealer")

    @admin.action(description="Make them admins", permissions=["change"])
    def make_admin(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._do(request, queryset, lambda user, **by: grant(user, "admin", **by), "is an admin")

    @admin.action(description="Take all staff roles away", permissions=["change"])
    def take_roles(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        def take(user: User, **by: Any) -> bool:
            taken = [revoke(user, role, **by) for role in STAFF]
            return any(taken)

        self._do(request, queryset, take, "is of staff no more")

    @admin.action(description="Disable (with a reason)", permissions=["change"])
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        reason = reason_of(request)
        self._do(request, queryset, lambda user, **by: disable(user, reason=reason, **by), "is out")

    @admin.action(description="Enable (with a reason)", permissions=["change"])
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        reason = reason_of(request)
        self._do(request, queryset, lambda user, **by: enable(user, reason=reason, **by), "is in")

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        def sign_out(user: User, **by: Any) -> None:
            revoke_sessions(user, **by)

        self._do(request, queryset, sign_out, "is signed out everywhere")

    def _do(
        self, request: HttpRequest, rows: QuerySet[User], act: Callable[..., Any], done: str
    ) -> None:
        users = rows.order_by("email")
        self.each(request, users, lambda row: act(row, by=request.user, now=clock.now()), done)

    def words_of(self, row: User) -> str:
        return row.email
