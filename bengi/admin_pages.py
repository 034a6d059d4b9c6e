"""What the staff's pages share: rows to look at, and actions that go through services.

Nothing is changed here that a service has not been asked for: who is refused reads why.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from bengi.errors import BengiError
from bengi.money import plain

BRIEF = 12
"""How many of an id's signs a list shows: the last ones, since ids of one moment begin alike."""


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that services write and nobody edits."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RefusableAdmin(admin.ModelAdmin):
    """A form whose service may refuse what the form let through: it is shown again, with why."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except BengiError as error:  # the transaction around the form is over, and undone
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[forms.ModelForm]:
        form = super().get_form(request, *args, **kwargs)
        refusal: BengiError | None = getattr(request, "refusal", None)
        return form if refusal is None else _refused(form, refusal)


def _refused(form: Any, refusal: BengiError) -> type[forms.ModelForm]:
    """Return a form that says of whatever was sent why it was refused."""

    class Refused(form):
        def clean(self) -> Any:
            values = super().clean()
            self.add_error(refusal.field if refusal.field in self.fields else None, refusal.detail)
            return values

    return Refused


class AddOnlyAdmin(RefusableAdmin):
    """Rows that are added and never change; actions of the list may do more with them."""

    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReasonForm(ActionForm):
    """The choice of an action, and why."""

    reason = forms.CharField(
        required=False,
        max_length=180,
        label="Reason",
        widget=forms.TextInput(attrs={"placeholder": "Why?"}),
    )


def brief(name: str, title: str = "") -> Any:
    """Show the end of an id, by which rows are told apart, and all of it to who points at it."""

    @admin.display(description=title or name.replace("_", " "), ordering=name)
    def shown(row: Any) -> str:
        value = str(getattr(row, name) or "")
        if len(value) <= BRIEF:
            return value or "-"
        return format_html('<span class="brief" title="{}">…{}</span>', value, value[-BRIEF:])

    shown.__name__ = name
    return shown


def reason_of(request: HttpRequest) -> str:
    """Return why somebody says they do what they do."""
    return request.POST.get("reason", "")


class ActsOnRows(admin.ModelAdmin):
    """Actions of a list, on each row by itself: one that is refused stops no other."""

    def each(
        self, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], Any], done: str
    ) -> None:
        """Do act with every row and say of each what became of it: done, or why not.

        act returns False where there was nothing to do.
        """
        for row in rows:
            words = self.words_of(row)
            try:
                has_acted = act(row) is not False
            except BengiError as error:
                self.message_user(request, f"{words}: {error.detail}", messages.ERROR)
                continue
            if has_acted:
                self.message_user(request, f"{words}: {done}.", messages.SUCCESS)
            else:
                self.message_user(request, f"{words}: there was nothing to do.", messages.WARNING)

    def words_of(self, row: Any) -> str:
        """Return how messages call a row."""
        return str(row)


def exact(name: str) -> Callable[[Any], str]:
    """Return a column that shows a number as the API does: all of it, and no zeros after it."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(row: Any) -> str:
        value = getattr(row, name)
        return plain(value) if value is not None else "-"

    column.__name__ = name
    return column
