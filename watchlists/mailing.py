"""Mails that tell of alerts which have fired: one per person and look, each alert in one at most.

The alert is claimed before the mail is handed over. So two loops write once; a crash between firing
and claiming is healed by the next look; one between claiming and handing over costs the mail, not
the alert, which stands on the page.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.identity import mails
from accounts.identity.addresses import may_be_written_to
from accounts.models import User
from bengi.limits.limiter import take
from bengi.limits.table import MAIL_ALERTS
from watchlists.models import PriceAlert

MAIL_WITHIN = timedelta(hours=1)
"""Older news is no news: after that, for instance after a pause of the process, nobody is told."""
CLAIMED_MAX = 500


def mail_fired(now: datetime) -> int:
    """Write to the owners of alerts that have fired since the last look; return how many mails."""
    if not _unmailed(now).exists():
        return 0
    of_users: dict[User, list[PriceAlert]] = defaultdict(list)
    for alert in _claim(now):
        of_users[alert.user].append(alert)
    reachable = may_be_written_to(of_users)
    return sum(_mail(user, alerts) for user, alerts in of_users.items() if user in reachable)


def _unmailed(now: datetime) -> QuerySet[PriceAlert]:
    return PriceAlert.objects.filter(fired_at__gt=now - MAIL_WITHIN, mailed_at__isnull=True)


@transaction.atomic
def _claim(now: datetime) -> list[PriceAlert]:
    rows = _unmailed(now).select_for_update(of=("self",), skip_locked=True)
    alerts = list(
        rows.select_related("instrument", "user").order_by("fired_at", "id")[:CLAIMED_MAX]
    )
    PriceAlert.objects.filter(id__in=[alert.id for alert in alerts]).update(mailed_at=now)
    return alerts


def _mail(user: User, alerts: list[PriceAlert]) -> bool:
    if not take(MAIL_ALERTS, str(user.pk)).allowed:
        return False
    mails.send("alerts_fired", user, {"alerts": alerts, "link": mails.page("/alerts")})
    return True
