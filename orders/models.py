"""What somebody wants."""

from decimal import Decimal
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Value

from accounts.commission import CommissionSchedule
from accounts.models import Account, FeeSchedule, User
from bengi.fields import ExactField, MoneyField, PriceField, QuantityField, ValueField
from bengi.ids import new_id
from bengi.terms import Leg, OrderClass, OrderStatus, OrderType, Realism, Side, TimeInForce, choices
from instruments.models import Instrument
from orders.legs import PAIRS
from orders.lifecycle import OPEN
from portfolios.lots import Pick, picks_left
from portfolios.models import Portfolio

OPEN_STATUSES = sorted(status.value for status in OPEN)


class Order(models.Model):
    """An order and how far it has come.

    reserved is the cash a buy still holds, in the instrument's currency; priority is its place in
    the queue, given by the engine when it first sees it; filled_value is the exact sum of
    quantity x price of its trades. What has filled and was busted later counts in busted_quantity
    and busted_value alone and is not worked again; a trade at another price leaves its difference
    there. lots are those a sell names: [{lot_id, quantity}], in order. A
    trailing stop's stop_price is where it stands now, behind high_water_mark: the highest print
    since acceptance, the lowest one for a buy. fee_schedule and month_volume, the shares the
    account had traded that month, are pinned at acceptance (docs/adr/0010), and so is realism, how
    the street trades with it (docs/adr/0017). notional is the amount of an order that names one; a
    buy's quantity is then what it has filled and what is left of the amount comes to, reckoned anew
    with every fill (docs/adr/0015).

    The orders of a group share group_id, the id of the one it was placed with. parent is the entry
    that a leg waits for, as it was placed; released_at is when that first filled. A leg's quantity
    is the entry's until then, after that what the entry has filled less what the other leg has.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="orders",
        db_constraint=False,
        db_index=False,
    )
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="orders")
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.PROTECT,
        related_name="orders",
        db_constraint=False,
        db_index=False,
    )
    client_order_id = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64, editable=False)
    side = models.CharField(max_length=4, choices=choices(Side))
    type = models.CharField(max_length=16, choices=choices(OrderType))
    time_in_force = models.CharField(max_length=4, choices=choices(TimeInForce))
    quantity = QuantityField()
    notional = MoneyField(null=True, blank=True)
    extended_hours = models.BooleanField(default=False)
    limit_price = PriceField(null=True, blank=True)
    stop_price = PriceField(null=True, blank=True)
    trail_price = PriceField(null=True, blank=True)
    trail_percent = ExactField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    high_water_mark = PriceField(null=True, blank=True)
    protection_price = PriceField(null=True, blank=True)
    lots = models.JSONField(default=list, blank=True)
    fee_schedule = models.ForeignKey(
        FeeSchedule,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    month_volume = QuantityField(default=0)
    realism = models.CharField(max_length=12, default=Realism.REALISTIC, choices=choices(Realism))
    status = models.CharField(max_length=16, choices=choices(OrderStatus))
    filled_quantity = QuantityField(default=0)
    busted_quantity = QuantityField(default=0)
    filled_value = ValueField(default=0)
    busted_value = ValueField(default=0)
    reserved = MoneyField(default=0)
    commission = MoneyField(default=0)
    replaces = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    replaced_by = models.UUIDField(null=True, blank=True)
    order_class = models.CharField(
        max_length=7, choices=choices(OrderClass), default=OrderClass.SIMPLE
    )
    group_id = models.UUIDField(null=True, blank=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    leg = models.CharField(max_length=11, choices=choices(Leg), blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    fees = MoneyField(default=0)
    priority = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    accepted_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    triggered_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("cancel_any_order", "Can ask for anybody's orders to be canceled")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="client_order_id_once_for_ever"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_of_something"),
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0) & Q(filled_quantity__lte=F("quantity")),
                name="filled_within_quantity",
            ),
            models.CheckConstraint(
                condition=Q(busted_quantity__gte=0) & Q(busted_quantity__lte=F("quantity")),
                name="busted_within_quantity",
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0)
                & (Q(status__in=OPEN_STATUSES) | Q(reserved=Decimal(0))),
                name="closed_order_reserves_nothing",
            ),
            models.CheckConstraint(
                condition=Q(order_class=OrderClass.SIMPLE, group_id__isnull=True, leg="")
                | (~Q(order_class=OrderClass.SIMPLE) & Q(group_id__isnull=False)),
                name="group_has_a_class",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(leg=""), name="only_legs_have_a_parent"
            ),
        ]
        indexes = [
            models.Index(
                fields=["instrument", "id"],
                condition=Q(closed_at__isnull=True),
                name="open_orders_of_instrument",
            ),
            models.Index(
                fields=["account", "instrument"],
                condition=Q(closed_at__isnull=True),
                name="open_orders_by_account",
            ),
            models.Index(
                fields=["replaces"],
                condition=Q(replaces__isnull=False),
                name="successors_of_order",
            ),
            models.Index(fields=["account", "id"], name="orders_of_account"),
            models.Index(
                fields=["group_id"],
                condition=Q(group_id__isnull=False),
                name="orders_of_group",
            ),
            models.Index(
                fields=["account", "instrument", "accepted_at"], name="recent_orders_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.instrument_id} {self.status}"

    @property
    def leaves_quantity(self) -> Decimal:
        """Shares still wanted; zero once the order is closed."""
        return self.quantity - self.worked_quantity if self.is_open else Decimal(0)

    @property
    def worked_quantity(self) -> Decimal:
        """Shares that are not worked any more: filled, whether or not that was busted later."""
        return self.filled_quantity + self.busted_quantity

    @property
    def worked_value(self) -> Decimal:
        """Value of what is not worked any more, at the prices at which it first filled."""
        return self.filled_value + self.busted_value

    @property
    def held_shares(self) -> Decimal:
        """Shares that an open sell holds; one that waits to replace another, those it adds.

        While an order is held its quantity is all that is wanted, the other's fills included. A
        pair holds its shares once: its stop loss does, which never ends before the other leg.
        """
        if self.side != Side.SELL or not self.is_open or self.shares_held_by_other_leg:
            return Decimal(0)
        if self.leg and (self.status == OrderStatus.HELD or self.waits_for_entry):
            return Decimal(0)
        if self.status == OrderStatus.HELD and self.replaces is not None:
            return max(Decimal(0), self.quantity - self.replaces.quantity)
        return self.quantity - self.worked_quantity

    @property
    def shares_held_by_other_leg(self) -> bool:
        """The take profit of a pair: the stop loss holds the shares that either may sell."""
        return self.leg == Leg.TAKE_PROFIT and self.order_class in PAIRS

    @property
    def waits_for_entry(self) -> bool:
        """A leg whose entry has filled nothing yet."""
        return self.parent_id is not None and self.released_at is None

    @property
    def waits_to_replace(self) -> bool:
        """Held until the engine has decided about the order whose place it is to take."""
        if self.status != OrderStatus.HELD or self.replaces is None:
            return False
        return self.replaces.status == OrderStatus.PENDING_REPLACE

    @property
    def bound(self) -> Decimal:
        """The price that a buy cannot pay more than."""
        price = self.limit_price if self.limit_price is not None else self.protection_price
        assert price is not None, "every buy has a price it cannot pay more than"
        return price

    @property
    def is_buy_of_amount(self) -> bool:
        """A buy that spends an amount, however many shares that comes to."""
        return self.notional is not None and self.side == Side.BUY

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def schedule(self) -> CommissionSchedule:
        """What the order pays in commission, as it was when the order was accepted."""
        return CommissionSchedule.of(self.fee_schedule, self.month_volume)

    @property
    def picks(self) -> list[Pick]:
        """The shares of named lots that an open sell still claims, in their order."""
        named = [Pick(UUID(lot["lot_id"]), Decimal(lot["quantity"])) for lot in self.lots]
        return picks_left(named, self.filled_quantity, self.leaves_quantity)

    @property
    def average_price(self) -> Decimal | None:
        """Mean price of the fills, to 8 places; None before the first one."""
        if not self.filled_quantity:
            return None
        return (self.filled_value / self.filled_quantity).quantize(Decimal("1e-8"))


class RiskLimits(models.Model):
    """How far one account's orders may go where it is not as far as everybody's; null: the same.

    Collars are fractions of the price. orders/facts.py has what counts for everybody.
    """

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.PROTECT, related_name="risk_limits"
    )
    max_notional = MoneyField(null=True, blank=True)
    max_quantity = QuantityField(null=True, blank=True)
    max_open_orders = models.PositiveIntegerField(null=True, blank=True)
    max_open_orders_here = models.PositiveIntegerField(
        "max open orders of a symbol and side", null=True, blank=True
    )
    collar = ExactField(null=True, blank=True)
    low_price_collar = ExactField("collar below a price of 5", null=True, blank=True)

    class Meta:
        verbose_name_plural = "risk limits"
        constraints = [
            models.CheckConstraint(
                condition=Q(max_notional__isnull=True) | Q(max_notional__gte=0),
                name="max_notional_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(max_quantity__isnull=True) | Q(max_quantity__gte=0),
                name="max_quantity_not_negative",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True})
                    | Q(**{f"{name}__gt": 0, f"{name}__lt": 1}),
                    name=f"{name}_is_a_fraction",
                )
                for name in ("collar", "low_price_collar")
            ),
        ]

    def __str__(self) -> str:
        return f"limits of {self.account_id}"


class TradingHalt(models.Model):
    """The kill switch thrown: no new orders, of one account or, without one, of anybody.

    It counts from the moment it is written until it is lifted; the row stays.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="halts"
    )
    reason = models.CharField(max_length=180)
    halted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    halted_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-halted_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(lifted_at__isnull=True),
                name="one_halt_at_a_time_per_account",
            ),
            models.UniqueConstraint(
                Value(1),
                condition=Q(lifted_at__isnull=True, account__isnull=True),
                name="one_halt_at_a_time_for_all",
            ),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True, lifted_at__isnull=True)
                | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.reason
