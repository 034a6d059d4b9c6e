"""The audit log, to look at: who did what, when, from where."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from bengi.admin_pages import ReadOnlyAdmin
from bengi.audit.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Newest first. An event leads to what the event log tells of the same."""

    list_display = ["at", "by", "action", "target", "reason", "address", "event"]
    list_filter = ["action", ("actor", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["actor"]
    date_hierarchy = "at"
    search_fields = ["target", "action", "actor__email", "request_id", "details"]
    search_help_text = "target, action, e-mail address, request id, or words of the details"
    ordering = ["-id"]
    fields = ["at", "by", "action", "target", "details", "event", "address", "request_id"]

    @admin.display(description="By", ordering="actor")
    def by(self, entry: AuditEntry) -> str:
        actor: Any = entry.actor
        return actor.email if actor is not None else "nobody signed in"

    @admin.display(description="Reason")
    def reason(self, entry: AuditEntry) -> str:
        return str(entry.details.get("reason") or "-")

    @admin.display(description="Event")
    def event(self, entry: AuditEntry) -> str:
        if entry.stream is None:
            return "-"
        query = urlencode({"stream__id__exact": str(entry.stream), "seq__exact": str(entry.seq)})
        address = reverse("admin:events_event_changelist")
        return format_html('<a href="{}?{}">{}</a>', address, query, f"seq {entry.seq}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return bool(user.has_perm("audit.view_auditentry"))
