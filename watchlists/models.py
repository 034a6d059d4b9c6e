"""Lists of instruments somebody looks at."""

from django.conf import settings
from django.db import models

from bengi.ids import new_id
from instruments.models import Instrument


class Watchlist(models.Model):
    """A named, ordered list."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlists"
    )
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="watchlist_name_once_per_user")
        ]

    def __str__(self) -> str:
        return self.name


class WatchlistItem(models.Model):
    """One line of a watchlist."""

    watchlist = models.ForeignKey(Watchlist, on_delete=models.CASCADE, related_name="items")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["watchlist", "instrument"], name="watched_once")
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id}"
