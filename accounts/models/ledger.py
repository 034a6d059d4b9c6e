"""The double-entry ledger, and what staff and conversions post to it."""

from django.db import models
from django.db.models import F, Q

from accounts.models.cash import Account
from accounts.models.users import User
from bengi.fields import MoneyField, PriceField
from bengi.ids import new_id
from bengi.sentences import Number, Sentence, sentence
from bengi.terms import LedgerBook, LedgerKind, choices


class LedgerTransaction(models.Model):
    """One reason for money to move; its entries sum to zero per currency. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=choices(LedgerKind))
    reference = models.CharField(max_length=80)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_constraint=False,
        db_index=False,
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
        Account,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="entries",
        db_constraint=False,
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

    @property
    def words(self) -> Sentence:
        """What was given for what, at which rate: the description of the transaction."""
        return sentence(
            "{gone} {source} to {come} {target} at {base}/{quote} {rate} of {as_of}",
            gone=Number(self.source_amount, is_own=True),
            source=self.source_currency,
            come=Number(self.target_amount, is_own=True),
            target=self.target_currency,
            base=self.rate_base,
            quote=self.rate_quote,
            rate=self.rate,
            as_of=self.rate_as_of,
        )


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
