"""The event log, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bengi.admin_pages import ReadOnlyAdmin, brief
from bengi.events.models import Event, RelayedStream, RelayLease
from bengi.events.positions import count_behind

ABOUT = (
    *("order", "trade", "cash", "account", "adjustment", "correction", "dividend", "portfolio"),
    *("corporate_action", "instrument", "calendar", "rate", "trading", "alert"),
)
"""What events are about: the first word of their type."""


class AboutFilter(admin.SimpleListFilter):
    """Events of one first word; asking the log itself which there are would read all of it."""

    title = "what it is about"
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word.replace("_", " ")) for word in ABOUT]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        word = self.value()
        return queryset.filter(type__startswith=f"{word}.") if word in ABOUT else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Newest first. A stream is an account's, an instrument's, a market's or the house's."""

    list_display = ["occurred_at", "type", brief("stream_id", "stream"), "seq", brief("subject")]
    list_filter = [AboutFilter, "occurred_at"]
    search_fields = ["type", "stream__id", "subject"]
    search_help_text = "type, or id of a stream or of the row it tells of"
    ordering = ["-id"]
    fields = ["occurred_at", "type", "version", "stream_id", "seq", "subject", "payload", "hash"]
    readonly_fields = ["stream_id"]


@admin.register(RelayLease)
class RelayAdmin(ReadOnlyAdmin):
    """Which relay publishes to Kafka, how many events wait for it, and why; see docs/kafka.md."""

    list_display = ["holder", "expires_at", "published_at", "behind", "trouble"]
    list_filter = ["published_at"]
    search_fields = ["trouble"]
    fields = ["holder", "expires_at", "published_at", "behind", "trouble"]
    readonly_fields = ["holder", "behind"]

    @admin.display(description="events that wait")
    def behind(self, lease: RelayLease) -> int:
        return count_behind(RelayedStream)
