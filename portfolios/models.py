"""Who owns what: positions, the tax lots behind them, and what each sale closed."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from bengi.fields import MoneyField, PriceField, QuantityField
from bengi.ids import new_id
from bengi.terms import CostBasisMethod, choices
from instruments.models import CorporateAction, Instrument


class Portfolio(models.Model):
    """A set of positions paid from one account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=80)
    cost_basis_method = models.CharField(
        max_length=8, default=CostBasisMethod.FIFO, choices=choices(CostBasisMethod)
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Position(models.Model):
    """Running totals of open lots and of open sells. The row stays when the quantity is zero."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="positions")
    quantity = QuantityField(default=0)
    reserved_quantity = QuantityField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "instrument"], name="position_once"),
            models.CheckConstraint(
                condition=Q(reserved_quantity__gte=0), name="reserved_shares_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(reserved_quantity__lte=F("quantity")),
                name="reserved_shares_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity}"


class Lot(models.Model):
    """Shares bought together. cost includes the buy's commission; closings shrink what remains.

    cost_shift is the cost that averaging moved into the lot from others of the holding, or out of
    it (negative). trade_id is the buy; trades stand above portfolios, so it is not a foreign key.
    busted_by is the bust that took the buy back, if one did: nothing remains of such a lot.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="lots")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="lots")
    trade_id = models.UUIDField(unique=True)
    opened_at = models.DateTimeField()
    quantity = QuantityField()
    remaining_quantity = QuantityField()
    cost = MoneyField()
    remaining_cost = MoneyField()
    cost_shift = MoneyField(default=0)
    busted_by = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining_quantity__gte=0) & Q(remaining_quantity__lte=F("quantity")),
                name="lot_remaining_within_quantity",
            ),
            models.CheckConstraint(
                condition=Q(busted_by__isnull=True)
                | Q(remaining_quantity=Decimal(0), remaining_cost=Decimal(0)),
                name="busted_lot_is_empty",
            ),
        ]
        indexes = [
            models.Index(
                fields=["portfolio", "instrument", "opened_at", "id"],
                condition=Q(remaining_quantity__gt=0),
                name="open_lots",
            )
        ]

    def __str__(self) -> str:
        return f"{self.remaining_quantity} of {self.quantity}"


class LotClosing(models.Model):
    """What one sale took out of one lot, and by which method. realized_pnl = proceeds - cost.

    fees is this part's share of the sale's commission and fees, which proceeds are net of.
    A bust of the sale reverses each of its closings by one with the signs turned, so that sums over
    closings are always net of busts; trade_id is then the bust.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    lot = models.ForeignKey(
        Lot, on_delete=models.PROTECT, related_name="closings", db_constraint=False
    )
    trade_id = models.UUIDField(db_index=True)
    closed_at = models.DateTimeField()
    method = models.CharField(
        max_length=8, default=CostBasisMethod.FIFO, choices=choices(CostBasisMethod)
    )
    quantity = QuantityField()
    cost = MoneyField()
    proceeds = MoneyField()
    fees = MoneyField(default=0)
    realized_pnl = MoneyField()
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, reverses__isnull=True)
                | Q(quantity__lt=0, reverses__isnull=False),
                name="closing_of_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity}, {self.realized_pnl}"


class PositionSplit(models.Model):
    """What a split did to one position. Its id stands as trade_id on what it closed in lieu.

    cost_before is the cost of its lots before, cost_after of those left, cost_closed of what was
    closed: shares that the split left over, paid with cash_in_lieu at price a new share.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    action = models.ForeignKey(CorporateAction, on_delete=models.PROTECT, related_name="positions")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="splits")
    quantity_before = QuantityField()
    quantity_after = QuantityField()
    excess = QuantityField(default=0)
    price = PriceField(null=True, blank=True)
    cash_in_lieu = MoneyField(default=0)
    cost_before = MoneyField()
    cost_after = MoneyField()
    cost_closed = MoneyField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "portfolio"], name="position_split_once")
        ]

    def __str__(self) -> str:
        return f"{self.quantity_before} to {self.quantity_after}"


class LotSplit(models.Model):
    """One lot before and after a split: all that was bought, and what was left of it.

    shift is cost that came from lots of the position too small to keep anything.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    split = models.ForeignKey(PositionSplit, on_delete=models.PROTECT, related_name="lots")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="splits")
    quantity_before = QuantityField()
    quantity_after = QuantityField()
    remaining_before = QuantityField()
    remaining_after = QuantityField()
    shift = MoneyField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["split", "lot"], name="lot_split_once")]

    def __str__(self) -> str:
        return f"{self.remaining_before} to {self.remaining_after}"


class DividendEntitlement(models.Model):
    """What a portfolio is paid of a dividend for the shares it held before the ex-date."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    action = models.ForeignKey(CorporateAction, on_delete=models.PROTECT, related_name="holders")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="dividends")
    quantity = QuantityField()
    currency = models.CharField(max_length=3)
    gross_amount = MoneyField()
    withheld_amount = MoneyField(default=0)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "portfolio"], name="entitled_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0)
                & Q(withheld_amount__gte=0)
                & Q(withheld_amount__lte=F("gross_amount")),
                name="withheld_within_gross",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gross_amount} {self.currency} on {self.quantity}"
