"""Who trades, and the money they trade with."""

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts.tariff import SINCE_EVER
from bengi.fields import ExactField, MoneyField, PriceField
from bengi.ids import new_id
from bengi.terms import AccountStatus, CommissionKind, LedgerBook, LedgerKind, Realism, choices


class UserManager(BaseUserManager["User"]):
    """Users are found by e-mail in any case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    theme = models.CharField(
        max_length=8, blank=True, default="", choices=[("light", "light"), ("dark", "dark")]
    )
    updown = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=[("red-up", "red up"), ("blue-orange", "blue and orange")],
    )

    sign_in_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Let every sign-in end with the password, the roles and the epoch it began under."""
        facts = (self.password, self.is_active, self.is_staff, self.is_superuser)
        said = "|".join(map(str, (*facts, self.sign_in_epoch)))
        salt = "accounts.models.User.sign_in"
        return salted_hmac(salt, said, secret=secret, algorithm="sha256").hexdigest()


class FeeSchedule(models.Model):
    """How commission is reckoned from a day on; see accounts/commission.py for the formulas.

    Rows of one code are one schedule over time; an account has the code of the row it points to.
    tiers: [[shares a month up to which, or null], price per share], lowest first.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField()
    effective_from = models.DateField(default=SINCE_EVER)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=choices(CommissionKind))
    rate = ExactField(default=0)
    per_share = ExactField(default=0)
    minimum = MoneyField(default=0)
    maximum_rate = ExactField(null=True, blank=True)
    tiers = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "effective_from"], name="fee_schedule_dated")
        ]

    def __str__(self) -> str:
        return self.name


class RegulatoryRate(models.Model):
    """One fee on sales of US listings from a day on; see accounts/fees.py for the formula."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField()
    effective_from = models.DateField()
    per_million = ExactField(default=0)
    per_share = ExactField(default=0)
    cap = MoneyField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "effective_from"], name="regulatory_rate_dated")
        ]

    def __str__(self) -> str:
        return f"{self.code} from {self.effective_from}"


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


class LedgerTransaction(models.Model):
    """One reason for money to move; its entries sum to zero per currency. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=choices(LedgerKind))
    reference = models.CharField(max_length=80)
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="transactions", db_constraint=False, db_index=False
    )
    occurred_at = models.DateTimeField()
    description = models.CharField(max_length=200, blank=True)
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="ledger_reference_once"),
            models.CheckConstraint(
                condition=(
                    Q(kind=LedgerKind.REVERSAL, reverses__isnull=False)
                    | (~Q(kind=LedgerKind.REVERSAL) & Q(reverses__isnull=True))
                ),
                name="reversal_names_its_original",
            ),
        ]
        indexes = [models.Index(fields=["account", "id"], name="ledger_of_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class LedgerEntry(models.Model):
    """One signed leg of a ledger transaction: what comes into a book is positive."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries", db_constraint=False
    )
    book = models.CharField(max_length=16, choices=choices(LedgerBook))
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="entries", db_constraint=False
    )
    currency = models.CharField(max_length=3)
    amount = MoneyField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(book=LedgerBook.CUSTOMER_CASH, account__isnull=False)
                    | (~Q(book=LedgerBook.CUSTOMER_CASH) & Q(account__isnull=True))
                ),
                name="entry_account_only_for_customer_cash",
            )
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.amount} {self.currency}"


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


class IdempotencyKey(models.Model):
    """A caller's key and the answer it was given, so that asking again does nothing again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    answer = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "route", "key"], name="idempotency_key_once")
        ]
        indexes = [models.Index(fields=["user", "created_at"], name="idempotency_keys_by_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


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


class Conversion(models.Model):
    """One currency for another: the rate used, its time, and what rounding left with the house."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="conversion"
    )
    source_currency = models.CharField(max_length=3)
    source_amount = MoneyField()
    target_currency = models.CharField(max_length=3)
    target_amount = MoneyField()
    rounding = MoneyField()
    rate_base = models.CharField(max_length=3)
    rate_quote = models.CharField(max_length=3)
    rate = PriceField()
    rate_as_of = models.DateTimeField()

    def __str__(self) -> str:
        source = f"{self.source_amount} {self.source_currency}"
        return f"{source} to {self.target_amount} {self.target_currency}"


class LedgerAdjustment(models.Model):
    """A correction of cash that one of staff asks for and another approves, or anybody declines.

    Either an amount of its own (negative takes away), or the reversal of a transaction.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="adjustments")
    currency = models.CharField(max_length=3, blank=True)
    amount = MoneyField(null=True, blank=True)
    reverses = models.ForeignKey(
        LedgerTransaction, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=180)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    declined_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    declined_at = models.DateTimeField(null=True, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")),
                name="adjustment_needs_a_second_person",
            ),
            models.CheckConstraint(
                condition=(
                    Q(approved_by__isnull=True, transaction__isnull=True)
                    | Q(approved_by__isnull=False, transaction__isnull=False)
                ),
                name="adjustment_posts_when_approved",
            ),
            models.CheckConstraint(
                condition=(
                    Q(declined_by__isnull=True, declined_at__isnull=True)
                    | Q(
                        declined_by__isnull=False,
                        declined_at__isnull=False,
                        approved_by__isnull=True,
                    )
                ),
                name="adjustment_declined_or_approved",
            ),
            models.CheckConstraint(
                condition=(
                    Q(amount__isnull=False, reverses__isnull=True)
                    | Q(amount__isnull=True, reverses__isnull=False)
                ),
                name="adjustment_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.reason
