"""What trading costs: schedules, and rates that regulators set."""

from django.db import models

from accounts.tariff import SINCE_EVER
from bengi.fields import ExactField, MoneyField
from bengi.ids import new_id
from bengi.terms import CommissionKind, choices


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
