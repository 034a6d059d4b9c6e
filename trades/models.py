"""What happened: fills that were booked, and the version that fences the engine."""

from django.db import models
from django.db.models import Q

from accounts.models import Account
from bengi.fields import MoneyField, PriceField, QuantityField
from bengi.ids import new_id
from bengi.terms import Liquidity, Side, choices
from instruments.models import Instrument
from orders.models import Order
from portfolios.models import Portfolio


class Shard(models.Model):
    """One group of instruments with a single writer: a batch holds only if version still fits."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"shard {self.id}, version {self.version}"


class Trade(models.Model):
    """A fill, booked. Immutable. net_amount is what the account's cash changed by (buys negative).

    The two sides of a match between customers share match_id; a fill from the street has none.
    quote_* is the market's quote at the time of the decision.
    """

    exec_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    match_id = models.UUIDField(null=True, blank=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="trades")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="trades")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="trades")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="trades")
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
    trade_date = models.DateField()
    settles_on = models.DateField()

    class Meta:
        ordering = ["-exec_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(price__gt=0), name="trade_of_something"
            )
        ]
        indexes = [models.Index(fields=["account", "exec_id"], name="trades_of_account")]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} at {self.price}"
