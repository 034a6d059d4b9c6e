"""Lists of instruments somebody looks at, and prices somebody wants to be told of."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bengi.fields import ExactField, PriceField
from bengi.ids import new_id
from bengi.money import ZERO
from bengi.numerals import quantity
from bengi.terms import AlertKind, choices
from instruments.models import Instrument

WISHES = {
    AlertKind.ABOVE: "at or above",
    AlertKind.BELOW: "at or below",
    AlertKind.CROSSING: "crossing",
    AlertKind.PERCENT_CHANGE: "moved in a day by",
}
"""What a kind waits for, in words; a price or a percent comes after them."""


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


class PriceAlert(models.Model):
    """Somebody wants to be told when a price does something. Once: then it has fired.

    above, below: a print at price or beyond it. crossing: a print on the other side of price than
    reference_price, or on it. percent_change: a print percent or more, up or down, from that day's
    previous close. reference_price is the last print when the alert was set; None when there was
    none, and then, or where it was on price itself, the first print off it takes its place.

    Prints from armed_at on count: when the alert was set, got another price, or a split brought it
    into new shares. mailed_at: when the mail that tells its owner was taken up, or given up.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="price_alerts"
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=choices(AlertKind))
    price = PriceField(null=True, blank=True)
    percent = ExactField(null=True, blank=True)
    reference_price = PriceField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()
    armed_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True, blank=True)
    fired_price = PriceField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind=AlertKind.PERCENT_CHANGE, price__isnull=True, percent__isnull=False
                )
                | (
                    ~Q(kind=AlertKind.PERCENT_CHANGE) & Q(price__isnull=False, percent__isnull=True)
                ),
                name="alert_has_what_its_kind_needs",
            ),
            models.CheckConstraint(
                condition=(Q(price__isnull=True) | Q(price__gt=0))
                & (Q(percent__isnull=True) | Q(percent__gt=0)),
                name="alert_above_zero",
            ),
            models.CheckConstraint(
                condition=Q(fired_at__isnull=True, fired_price__isnull=True)
                | Q(fired_at__isnull=False, fired_price__isnull=False),
                name="alert_fired_at_a_price",
            ),
        ]
        indexes = [
            models.Index(
                fields=["instrument"],
                condition=Q(fired_at__isnull=True),
                name="alerts_that_wait",
            ),
            models.Index(
                fields=["fired_at"],
                condition=Q(fired_at__isnull=False, mailed_at__isnull=True),
                name="alerts_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.price or self.percent}"

    @property
    def wish_words(self) -> str:
        """What it waits for, without the level: at or above."""
        return WISHES[AlertKind(self.kind)]

    @property
    def wish(self) -> str:
        """What it waits for, as the end of a sentence: at or above 150."""
        level, sign = (self.price, "") if self.percent is None else (self.percent, "%")
        return f"{self.wish_words} {quantity(level or ZERO)}{sign}"
