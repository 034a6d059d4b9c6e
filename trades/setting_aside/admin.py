"""Staff's view of the messages that were set aside; some can be tried again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bengi import clock
from bengi.admin_pages import ReadOnlyAdmin
from trades.models import SetAside
from trades.setting_aside.services import release


class SetAsideAdmin(ReadOnlyAdmin):
    """What failed time and again. What waits can be tried once more; a halt is lifted elsewhere."""

    list_display = [
        *("last_at", "kind", "instrument", "order", "error", "tries"),
        *("status", "outcome", "has_halted", "released_by"),
    ]
    list_filter = ["status", "kind", "outcome", "shard"]
    list_select_related = ["instrument", "order", "released_by"]
    search_fields = ["reference", "instrument__symbol", "error", "order__account__user__email"]
    search_help_text = "id of an order or a corporate action, symbol, error, or an e-mail address"
    actions = ["try_again"]

    @admin.action(description="Try again", permissions=["release"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[SetAside]) -> None:
        by: Any = request.user
        for row in queryset.order_by("last_at"):
            if release(row.pk, by, now=clock.now()).released_at is None:
                words = f"{row}: there is nothing to try again."
                self.message_user(request, words, messages.WARNING)
            else:
                self.log_change(request, row, "Released, to be tried again.")
                self.message_user(request, f"{row}: tried again.", messages.SUCCESS)

    def has_release_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("trades.change_setaside"))
