"""What can be traded, and at what price."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from bengi.fields import ExactField, PriceField, QuantityField
from bengi.ids import new_id
from bengi.money import ZERO, plain
from bengi.terms import (
    CorporateActionKind,
    CorporateActionStatus,
    InstrumentStatus,
    InstrumentType,
    Sector,
    choices,
)
from instruments.bars import STORED
from instruments.splits import Ratio


class Instrument(models.Model):
    """A listing. mic is its exchange (ISO 10383); without a feed it trades on customers' orders.

    exchange_step is the exchange's own unit where quantity_step is finer: what only orders that are
    done today may be parts of (orders/fractions.py). sector is empty where there is none, of funds
    and coins, or nobody has said.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    symbol = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    mic = models.CharField(max_length=4)
    type = models.CharField(max_length=8, choices=choices(InstrumentType))
    currency = models.CharField(max_length=3)
    tick_size = PriceField()
    quantity_step = QuantityField(default=1)
    exchange_step = QuantityField(null=True, blank=True)
    status = models.CharField(
        max_length=8, default=InstrumentStatus.ACTIVE, choices=choices(InstrumentStatus)
    )
    has_feed = models.BooleanField(default=True)
    sector = models.CharField(max_length=20, blank=True, default="", choices=choices(Sector))
    shard = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["symbol", "mic"]
        permissions = [("halt_instrument", "Can halt instruments and set them going again")]
        constraints = [
            models.UniqueConstraint(fields=["symbol", "mic"], name="instrument_once_per_exchange"),
            models.CheckConstraint(condition=Q(tick_size__gt=0), name="tick_size_positive"),
            models.CheckConstraint(condition=Q(quantity_step__gt=0), name="step_positive"),
            models.CheckConstraint(
                condition=Q(exchange_step__isnull=True) | Q(exchange_step__gte=F("quantity_step")),
                name="exchange_step_is_no_finer",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol

    @property
    def handy_step(self) -> Decimal:
        """What a button changes a quantity by: the exchange's unit, at least a thousandth."""
        return self.exchange_step or max(self.quantity_step, Decimal("0.001"))

    @property
    def price_places(self) -> int:
        """Decimal places to show a price with: those of the tick size."""
        return max(0, -int(self.tick_size.normalize().as_tuple().exponent))


class Quote(models.Model):
    """The newest quote of an instrument. bid_size and ask_size are shares on display."""

    instrument = models.OneToOneField(
        Instrument, primary_key=True, on_delete=models.PROTECT, related_name="quote"
    )
    bid = PriceField(null=True, blank=True)
    ask = PriceField(null=True, blank=True)
    bid_size = QuantityField(default=0)
    ask_size = QuantityField(default=0)
    last = PriceField(null=True, blank=True)
    day_open = PriceField(null=True, blank=True)
    day_high = PriceField(null=True, blank=True)
    day_low = PriceField(null=True, blank=True)
    day_volume = QuantityField(default=0)
    previous_close = PriceField(null=True, blank=True)
    as_of = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(bid__isnull=True) | Q(ask__isnull=True) | Q(bid__lte=F("ask")),
                name="quote_not_crossed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.bid} / {self.ask}"


class Bar(models.Model):
    """Open, high, low, close and volume of one stored interval from starts_at."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="bars")
    interval = models.CharField(max_length=6, choices=[(name, name) for name in STORED])
    starts_at = models.DateTimeField()
    open = PriceField()
    high = PriceField()
    low = PriceField()
    close = PriceField()
    volume = QuantityField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "interval", "starts_at"], name="bar_once_per_interval"
            ),
            models.CheckConstraint(condition=Q(low__lte=F("high")), name="bar_low_within_high"),
            models.CheckConstraint(condition=Q(interval__in=STORED), name="bar_interval_is_stored"),
        ]

    def __str__(self) -> str:
        return f"{self.interval} {self.starts_at:%Y-%m-%d %H:%M}"


class SpecialDayRow(models.Model):
    """A day unlike the others at an exchange, on its own clock; closed where opens is empty."""

    mic = models.CharField("exchange (MIC)", max_length=4)
    date = models.DateField()
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    break_starts = models.TimeField(null=True, blank=True)
    break_ends = models.TimeField(null=True, blank=True)
    note = models.CharField(max_length=60, blank=True)

    class Meta:
        abstract = True
        ordering = ["date", "mic"]
        constraints = [
            models.UniqueConstraint(
                fields=["mic", "date"],
                name="%(class)s_once",
                violation_error_message="This day has a row already.",
            ),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(opens__isnull=False, closes__isnull=False, opens__lt=F("closes")),
                name="%(class)s_opens_first",
                violation_error_message="A day closes after it opens, or has neither time.",
            ),
            models.CheckConstraint(
                condition=Q(break_starts__isnull=True, break_ends__isnull=True)
                | Q(
                    opens__isnull=False,
                    break_starts__isnull=False,
                    break_ends__isnull=False,
                    break_starts__gt=F("opens"),
                    break_starts__lt=F("break_ends"),
                    break_ends__lt=F("closes"),
                ),
                name="%(class)s_break_within",
                violation_error_message="A break starts, then ends, within the day's hours.",
            ),
        ]

    def __str__(self) -> str:
        hours = (
            f"{self.opens:%H:%M}-{self.closes:%H:%M}" if self.opens and self.closes else "closed"
        )
        return f"{self.mic} {self.date} {hours}"


class CalendarDay(SpecialDayRow):
    """A holiday or an early close as the exchange published it; source says who wrote it down."""

    source = models.CharField(max_length=40)


class CalendarOverride(SpecialDayRow):
    """Staff's own word on a day. It wins over the exchange's calendar."""


class QuarantinedTick(models.Model):
    """A tick nothing may be filled against, kept for staff: reason says why, tick what it said.

    tick holds the values as text, because what is insane need not fit a column.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    tick = models.JSONField()
    quarantined_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-quarantined_at", "-id"]

    def __str__(self) -> str:
        return self.reason


SPLITS = [CorporateActionKind.SPLIT.value, CorporateActionKind.REVERSE_SPLIT.value]
_IS_SPLIT = Q(kind__in=SPLITS)


class CorporateAction(models.Model):
    """What an issuer does to all who hold its shares: one of staff asks, another approves.

    A split: ratio_to new shares for ratio_from old ones; fractions are paid cash_in_lieu_price a
    new share, or the last price where that is empty. A dividend: amount per share in currency, less
    withholding_rate of it. effective_at, the start of ex_date where the exchange is, and payable_at
    are fixed at approval. requested_by and approved_by are users, who stand beside instruments and
    not below, so they are not foreign keys.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="actions")
    kind = models.CharField(max_length=16, choices=choices(CorporateActionKind))
    ratio_to = models.PositiveSmallIntegerField("new shares", null=True, blank=True)
    ratio_from = models.PositiveSmallIntegerField("for old shares", null=True, blank=True)
    cash_in_lieu_price = PriceField(null=True, blank=True)
    amount = PriceField("amount per share", null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    withholding_rate = ExactField(null=True, blank=True)
    ex_date = models.DateField()
    record_date = models.DateField(null=True, blank=True)
    pay_date = models.DateField(null=True, blank=True)
    external_id = models.CharField(max_length=80, unique=True, null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    status = models.CharField(
        max_length=16,
        default=CorporateActionStatus.PROPOSED,
        choices=choices(CorporateActionStatus),
    )
    requested_by = models.UUIDField(editable=False)
    requested_at = models.DateTimeField(editable=False)
    approved_by = models.UUIDField(null=True, editable=False)
    approved_at = models.DateTimeField(null=True, editable=False)
    effective_at = models.DateTimeField(null=True, editable=False)
    payable_at = models.DateTimeField(null=True, editable=False)
    applied_at = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-ex_date", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")),
                name="action_needs_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(_IS_SPLIT, ratio_to__gt=0, ratio_from__gt=0, amount__isnull=True)
                | Q(
                    kind=CorporateActionKind.CASH_DIVIDEND,
                    ratio_to__isnull=True,
                    ratio_from__isnull=True,
                    amount__gt=0,
                    pay_date__isnull=False,
                ),
                name="action_is_of_its_kind",
                violation_error_message="A split has a ratio, a dividend an amount and a pay date.",
            ),
            models.UniqueConstraint(
                fields=["instrument", "ex_date"],
                condition=_IS_SPLIT & ~Q(status=CorporateActionStatus.CANCELED),
                name="one_split_a_day",
                violation_error_message="There is a split on that day already.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["effective_at"],
                condition=Q(status=CorporateActionStatus.APPROVED),
                name="actions_to_apply",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.terms}, ex {self.ex_date}"

    @property
    def is_split(self) -> bool:
        return self.kind in SPLITS

    @property
    def ratio(self) -> Ratio:
        """New shares for old ones, of a split."""
        assert self.ratio_to is not None, "a dividend has no ratio"
        assert self.ratio_from is not None, "a dividend has no ratio"
        return Ratio(self.ratio_to, self.ratio_from)

    @property
    def terms(self) -> str:
        """The ratio of a split, the amount per share of a dividend."""
        if self.is_split:
            return str(self.ratio)
        return f"{plain(self.amount or ZERO)} {self.currency}"
