"""What happened: fills that were booked, what staff corrected, the version that fences engines."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, User
from bengi.fields import MoneyField, PriceField, QuantityField
from bengi.ids import new_id
from bengi.terms import (
    CorrectionKind,
    CorrectionOutcome,
    Liquidity,
    MessageKind,
    SetAsideOutcome,
    SetAsideStatus,
    Side,
    TradeKind,
    choices,
)
from instruments.models import Instrument
from orders.models import Order
from portfolios.models import Portfolio


class Shard(models.Model):
    """One group of instruments with a single writer: a batch holds only if version still fits.

    starts counts the starts of its engine since one last ran for a while or ended in good order. An
    engine that has become wary notes what it is about to work in at_work; suspect is what stood
    there when a process died, and deaths how many in a row it was (docs/adr/0019). heard_at is
    when, on the machine's clock, its engine last said that it works.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.BigIntegerField(default=0)
    starts = models.PositiveSmallIntegerField(default=0)
    at_work = models.CharField(max_length=60, blank=True, default="")
    suspect = models.CharField(max_length=60, blank=True, default="")
    deaths = models.PositiveSmallIntegerField(default=0)
    heard_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"shard {self.id}, version {self.version}"


class Trade(models.Model):
    """A fill, booked. Immutable. net_amount is what the account's cash changed by (buys negative).

    The two sides of a match between customers share match_id; a fill from the street has none.
    quote_* is the market's quote at the time of the decision.

    A bust is a row of its own: the trade it names with the sign of quantity and of every amount
    turned, so that sums over trades are always net of busts. A correction restates an execution
    with other terms or, after a bust of an earlier fill of its order, other costs. Both are of when
    the trade was done (executed_at, trade_date, settles_on); booked_at is when they were written,
    and their money moved. Both name the request they were booked for (docs/adr/0012).
    """

    exec_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    match_id = models.UUIDField(null=True, blank=True)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="trades", db_constraint=False
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="trades",
        db_constraint=False,
        db_index=False,
    )
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="trades", db_constraint=False
    )
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="trades", db_constraint=False
    )
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = QuantityField()
    price = PriceField()
    gross_amount = MoneyField()
    commission = MoneyField(default=0)
    fees = MoneyField(default=0)
    net_amount = MoneyField()
    currency = models.CharField(max_length=3)
    liquidity = models.CharField(max_length=8, choices=choices(Liquidity))
    quote_bid = PriceField(null=True, blank=True)
    quote_ask = PriceField(null=True, blank=True)
    quote_as_of = models.DateTimeField(null=True, blank=True)
    executed_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    trade_date = models.DateField()
    settles_on = models.DateField()
    busts = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="busted_by"
    )
    corrects = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    correction = models.ForeignKey(
        "TradeCorrection", null=True, blank=True, on_delete=models.PROTECT, related_name="booked"
    )

    class Meta:
        ordering = ["-exec_id"]
        permissions = [
            ("execute_trade", "Can execute orders by hand"),
            ("correct_trade", "Can ask for trades to be busted or adjusted, and approve it"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gt=0)
                & (Q(quantity__gt=0, busts__isnull=True) | Q(quantity__lt=0, busts__isnull=False)),
                name="trade_of_something",
            ),
            models.CheckConstraint(
                condition=Q(busts__isnull=True, corrects__isnull=True, correction__isnull=True)
                | Q(busts__isnull=False, corrects__isnull=True, correction__isnull=False)
                | Q(busts__isnull=True, corrects__isnull=False, correction__isnull=False),
                name="trade_is_of_one_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "exec_id"], name="trades_of_account"),
            models.Index(
                fields=["match_id"], condition=Q(match_id__isnull=False), name="trades_of_match"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} at {self.price}"

    @property
    def kind(self) -> TradeKind:
        if self.busts_id is not None:
            return TradeKind.BUST
        return TradeKind.EXECUTION if self.corrects_id is None else TradeKind.CORRECTION

    @property
    def is_standing(self) -> bool:
        """Whether it counts: it is no bust, and none has taken it back."""
        return self.busts_id is None and self.bust is None

    @property
    def bust(self) -> "Trade | None":
        """The bust that took the trade back; costs a query unless busted_by was read with it."""
        found: Trade | None = getattr(self, "busted_by", None)
        return found


class TradeCorrection(models.Model):
    """What one of staff asks to be done to a trade, and what another decided.

    adjust names another price, a smaller quantity or both; what it leaves empty stays.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    trade = models.ForeignKey(Trade, on_delete=models.PROTECT, related_name="corrections")
    kind = models.CharField(max_length=8, choices=choices(CorrectionKind))
    price = PriceField(null=True, blank=True)
    quantity = QuantityField(null=True, blank=True)
    reason = models.CharField(max_length=180)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    outcome = models.CharField(
        max_length=8, default=CorrectionOutcome.ASKED, choices=choices(CorrectionOutcome)
    )
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["trade"],
                condition=Q(outcome=CorrectionOutcome.ASKED),
                name="one_open_correction_per_trade",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=CorrectionOutcome.APPROVED) | ~Q(decided_by=F("requested_by")),
                name="correction_needs_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(outcome=CorrectionOutcome.ASKED, decided_by__isnull=True)
                | (~Q(outcome=CorrectionOutcome.ASKED) & Q(decided_by__isnull=False)),
                name="correction_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(kind=CorrectionKind.BUST, price__isnull=True, quantity__isnull=True)
                | (
                    Q(kind=CorrectionKind.ADJUST)
                    & (Q(price__isnull=False) | Q(quantity__isnull=False))
                ),
                name="adjustment_names_new_terms",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.trade_id}: {self.reason}"


class SetAside(models.Model):
    """What an engine could not work, time and again, and works no more; its shard goes on.

    reference is the id of the order (for a replace: of the new one), of the corporate action, or
    of the instrument of a tick or a turn; what holds the message as text. trace is of the last of
    its tries. The row of a tick or a turn stands for that one alone, any other for all that comes
    of its reference until staff release it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shard = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=choices(MessageKind))
    reference = models.UUIDField()
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    what = models.JSONField(default=dict)
    error = models.CharField(max_length=300)
    trace = models.TextField(blank=True)
    tries = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    status = models.CharField(max_length=9, choices=choices(SetAsideStatus))
    outcome = models.CharField(max_length=7, choices=choices(SetAsideOutcome))
    has_halted = models.BooleanField("instrument halted", default=False)
    released_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_at", "-id"]
        verbose_name = "message set aside"
        verbose_name_plural = "messages set aside"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"],
                condition=~Q(status=SetAsideStatus.RELEASED)
                & ~Q(kind__in=[MessageKind.TICK, MessageKind.TURN]),
                name="set_aside_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    status=SetAsideStatus.RELEASED,
                    released_by__isnull=False,
                    released_at__isnull=False,
                )
                | (
                    ~Q(status=SetAsideStatus.RELEASED)
                    & Q(released_by__isnull=True, released_at__isnull=True)
                ),
                name="released_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["shard"],
                condition=Q(status=SetAsideStatus.SET_ASIDE, outcome=SetAsideOutcome.WAITING),
                name="set_aside_of_shard",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}: {self.error}"


class TapePrint(models.Model):
    """A line of the trade tape, made of a message of the topic of trades: public, and immutable.

    The tape is what a reader of Kafka makes for itself, so no column refers to another table. A
    bust is a line with the sign of its quantity turned. Of the two sides of a match both are here,
    and is_counted is the one that counts.
    """

    exec_id = models.UUIDField(primary_key=True)
    instrument_id = models.UUIDField()
    symbol = models.CharField(max_length=16)
    trade_date = models.DateField()
    executed_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    side = models.CharField(max_length=4)
    quantity = QuantityField()
    price = PriceField()
    gross_amount = MoneyField()
    currency = models.CharField(max_length=3)
    liquidity = models.CharField(max_length=8)
    match_id = models.UUIDField(null=True)
    busts = models.UUIDField(null=True)
    corrects = models.UUIDField(null=True)
    is_counted = models.BooleanField()

    class Meta:
        ordering = ["-executed_at", "-exec_id"]
        indexes = [models.Index(fields=["instrument_id", "executed_at"], name="tape_of_instrument")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.quantity} at {self.price}"


class TapeDay(models.Model):
    """What was traded of an instrument on a day, net of busts: shares, their value, executions."""

    instrument_id = models.UUIDField()
    trade_date = models.DateField()
    symbol = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    volume = QuantityField(default=0)
    value = MoneyField(default=0)
    executions = models.IntegerField(default=0)

    class Meta:
        ordering = ["instrument_id", "trade_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument_id", "trade_date"], name="one_tape_day_per_instrument"
            )
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_date}: {self.volume}"


class TapeOffset(models.Model):
    """Where the tape goes on reading a partition of the topic of trades."""

    partition = models.PositiveIntegerField(primary_key=True)
    next_offset = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.partition} at {self.next_offset}"
