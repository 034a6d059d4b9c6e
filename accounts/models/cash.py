"""Accounts, the money in them, what of it has not settled, and what currencies are worth."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models.fees import FeeSchedule
from accounts.models.users import User
from bengi.fields import MoneyField, PriceField
from bengi.ids import new_id
from bengi.terms import AccountStatus, Realism, choices


class Account(models.Model):
    """Holds cash. Its row is the lock for everything that belongs to it.

    realism is how the street trades with the orders it places from now on.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=80)
    base_currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=16, default="cash", choices=[("cash", "cash")])
    status = models.CharField(
        max_length=16, default=AccountStatus.ACTIVE, choices=choices(AccountStatus)
    )
    fee_schedule = models.ForeignKey(FeeSchedule, on_delete=models.PROTECT)
    realism = models.CharField(max_length=12, default=Realism.REALISTIC, choices=choices(Realism))
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        permissions = [("freeze_account", "Can freeze accounts and release them")]

    def __str__(self) -> str:
        return self.name


class CashBalance(models.Model):
    """Running total of an account's ledger entries in one currency, and what is held of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="balances")
    currency = models.CharField(max_length=3)
    amount = MoneyField(default=0)
    reserved = MoneyField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="balance_once"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="cash_reserved_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__lte=F("amount")), name="cash_reserved_within_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class UnsettledCash(models.Model):
    """A sale's proceeds until they settle. remaining_amount is what no buy has used of them yet.

    trade_id is the sale's exec_id; settles_at the start of settles_on where it was traded.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="unsettled", db_index=False
    )
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    remaining_amount = MoneyField()
    settles_on = models.DateField()
    settles_at = models.DateTimeField()
    trade_id = models.UUIDField(unique=True)

    class Meta:
        verbose_name_plural = "unsettled cash"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0)
                & Q(remaining_amount__gte=0)
                & Q(remaining_amount__lte=F("amount")),
                name="unsettled_remaining_within_amount",
            )
        ]
        indexes = [models.Index(fields=["account", "settles_at"], name="unsettled_of_account")]

    def __str__(self) -> str:
        return f"{self.remaining_amount} {self.currency} until {self.settles_on}"


class UnsettledUse(models.Model):
    """How much of a sale's unsettled proceeds paid for a buy: its trade_id and order_id.

    A bust of the buy gives it back (a negative amount); a bust of the sale uses all there is.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    unsettled = models.ForeignKey(UnsettledCash, on_delete=models.PROTECT, related_name="uses")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    trade_id = models.UUIDField()
    order_id = models.UUIDField()
    amount = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unsettled", "trade_id"], name="unsettled_use_once"),
            models.CheckConstraint(
                condition=~Q(amount=Decimal(0)), name="unsettled_use_of_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.unsettled_id}"


class GoodFaithViolation(models.Model):
    """Shares paid for with unsettled proceeds were sold before those settled. Once per buy.

    bought_by and sold_by are orders, trade_id the sale's exec_id; amount is how much of the buy
    was paid with proceeds that had not settled when it was sold, settles_at when the last do.
    busted_by is the bust of the sale, after which it is no violation any more.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="violations")
    bought_by = models.UUIDField()
    sold_by = models.UUIDField()
    trade_id = models.UUIDField()
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    settles_at = models.DateTimeField()
    occurred_at = models.DateTimeField()
    busted_by = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bought_by"],
                condition=Q(busted_by__isnull=True),
                name="one_violation_per_buy",
            )
        ]
        indexes = [models.Index(fields=["account", "occurred_at"], name="violations_of_account")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} at {self.occurred_at:%Y-%m-%d}"


class FxRate(models.Model):
    """What one unit of base costs in quote, from as_of on until there is a newer one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    rate = PriceField()
    as_of = models.DateTimeField()
    source = models.CharField(max_length=40)

    class Meta:
        verbose_name = "FX rate"
        ordering = ["base", "quote", "-as_of"]
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "as_of"], name="fx_rate_once"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="fx_rate_above_zero"),
            models.CheckConstraint(condition=~Q(base=F("quote")), name="fx_rate_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.rate.normalize():f}"
