"""Alerts fire: once, at the print that met them, in one transaction with the event that tells it.

Whoever writes alerts holds the lock of their user, so two loops that saw the same print come one
after the other, and the second finds nothing to fire.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from accounts.services import lock_users
from bengi.events.services import NewEvent, append
from bengi.leases.services import LeaseLost
from bengi.realtime.publish import publish
from bengi.terms import AlertKind
from instruments.corporate_actions import splits_known
from instruments.quotes import Tick
from instruments.splits import Split
from watchlists.conditions import Terms, gives_reference, in_new_shares, is_met
from watchlists.models import PriceAlert
from watchlists.payloads import alert_event


@transaction.atomic
def fire(
    touched: Mapping[UUID, Sequence[Tick]],
    now: datetime,
    *,
    is_its_turn: Callable[[], bool] = lambda: True,
) -> list[PriceAlert]:
    """Mark as fired what still waits and is met by one of its prints; return those.

    touched: the prints of each alert in the order in which they came, from one on that met it or
    that gives a crossing its reference. Each is judged again as it stands in the database by now,
    in new shares where it has been split. is_its_turn is asked behind the locks: a process that has
    slept must not judge old prints after another one has judged newer ones. Raises LeaseLost where
    it says no.
    """
    alerts = _locked(touched)
    if not alerts:
        return []
    if not is_its_turn():
        raise LeaseLost
    since = min(alert.armed_at for alert in alerts)
    splits = splits_known(since, {alert.instrument_id for alert in alerts})
    events = _adjust(alerts, splits, now)
    changed = []
    for alert in alerts:
        if told := _judge(alert, touched[alert.id], now):
            changed.append(alert)
            events += told
    _write(changed, ["reference_price", "fired_at", "fired_price"])
    _append(events)
    return [alert for alert in changed if alert.fired_at is not None]


def adjust_to_splits(now: datetime) -> bool:
    """Bring the alerts of instruments that have been split since they were armed into new shares.

    Returns whether there were any; run again it finds none. A split may be approved at any time
    after the day that it counts from, so the oldest alert that waits says how far to look back.
    """
    waiting = PriceAlert.objects.filter(fired_at__isnull=True)
    oldest = waiting.aggregate(armed_at=Min("armed_at"))["armed_at"]
    if oldest is None:
        return False
    due = [split for split in splits_known(since=oldest) if split.effective_at <= now]
    if not due:
        return False
    latest = {split.instrument_id: split.effective_at for split in due}
    rows = waiting.filter(instrument_id__in=latest).values_list("id", "instrument_id", "armed_at")
    behind = [key for key, instrument_id, at in rows if at < latest[str(instrument_id)]]
    if not behind:
        return False
    with transaction.atomic():
        alerts = _locked(behind)
        _append(_adjust(alerts, due, now))
    return True


def terms_of(alert: PriceAlert) -> Terms:
    """Return what an alert waits for as plain values."""
    return Terms(
        kind=AlertKind(alert.kind),
        price=alert.price,
        percent=alert.percent,
        reference_price=alert.reference_price,
        armed_at=alert.armed_at,
    )


def _judge(alert: PriceAlert, ticks: Sequence[Tick], now: datetime) -> list[NewEvent]:
    """Take the alert through its prints, to the first that meets it; return what there is to tell.

    Changes the alert and writes nothing.
    """
    events: list[NewEvent] = []
    for tick in ticks:
        assert tick.last is not None, "only prints touch alerts"
        terms = terms_of(alert)
        if is_met(terms, tick):
            alert.fired_at, alert.fired_price = now, tick.last
            return [*events, alert_event(alert, "fired", now)]
        if gives_reference(terms, tick):
            alert.reference_price = tick.last
            events.append(alert_event(alert, "referenced", now))
    return events


def _locked(alert_ids: Iterable[UUID]) -> list[PriceAlert]:
    """Return those that wait, with their users locked: nobody else writes them meanwhile."""
    waiting = PriceAlert.objects.filter(id__in=list(alert_ids), fired_at__isnull=True)
    users = set(waiting.values_list("user_id", flat=True))
    if not users:
        return []
    lock_users(users)
    return list(waiting.select_related("instrument", "user").order_by("id"))


def _adjust(alerts: Sequence[PriceAlert], splits: Sequence[Split], now: datetime) -> list[NewEvent]:
    """Write in new shares what was armed before a split; return the events that tell of it."""
    changed, events = [], []
    for alert in alerts:
        missed = [each for each in splits if _is_missed(each, alert, now)]
        if not missed:
            continue
        terms = terms_of(alert)
        for split in missed:
            terms = in_new_shares(terms, split.ratio, split.effective_at)
        alert.price, alert.reference_price = terms.price, terms.reference_price
        alert.armed_at = terms.armed_at
        changed.append(alert)
        events.append(alert_event(alert, "adjusted", now, ratios=[str(s.ratio) for s in missed]))
    _write(changed, ["price", "reference_price", "armed_at"])
    return events


def _is_missed(split: Split, alert: PriceAlert, now: datetime) -> bool:
    is_its = split.instrument_id == str(alert.instrument_id)
    return is_its and alert.armed_at < split.effective_at <= now


def _write(alerts: Sequence[PriceAlert], fields: Sequence[str]) -> None:
    """Write columns of alerts that wait; that they still do is part of the statement."""
    if alerts:
        waiting = PriceAlert.objects.filter(fired_at__isnull=True)
        written = waiting.bulk_update(alerts, fields)
        assert written == len(alerts), "their users are locked, so nobody else has fired them"


def _append(events: Sequence[NewEvent]) -> None:
    heads = append(events)
    if heads:
        transaction.on_commit(lambda: publish(heads), robust=True)
