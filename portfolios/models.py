"""Who owns what: positions, the tax lots behind them, and what each sale closed."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from bengi.fields import MoneyField, QuantityField
from bengi.ids import new_id
from bengi.terms import CostBasisMethod, choices
from instruments.models import Instrument


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

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining_quantity__gte=0) & Q(remaining_quantity__lte=F("quantity")),
                name="lot_remaining_within_quantity",
            )
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
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="closings")
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

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="closing_of_something")
        ]

    def __str__(self) -> str:
        return f"{self.quantity}, {self.realized_pnl}"
