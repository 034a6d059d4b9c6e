"""Print what an installation's events say, without what differs from one run to the next.

    DATABASE_URL=... python -m tests.modes.digest

One JSON list: per event its stream's name, seq, type and payload. Ids become #1, #2 by order of
their appearance, moments and days become words; streams go by the names of what they are of.
"""

import json
import re
import sys
from typing import Any

import django

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
LEFT_OUT = {"priority", "body_hash"}
"""A place in a queue tells how many batches there were; a hash is of ids too."""


def digest() -> list[list[Any]]:
    """Return the events by stream and seq, made comparable."""
    from bengi.events.models import Event

    names = _names()
    known: dict[str, str] = {}
    rows = sorted(
        Event.objects.all(), key=lambda row: (names.get(str(row.stream_id), "~"), row.seq)
    )
    return [
        [names.get(str(row.stream_id), "~"), row.seq, row.type, _plain(row.payload, known)]
        for row in rows
    ]


def _names() -> dict[str, str]:
    """Return what each stream is of: an account, somebody's own, an instrument."""
    from accounts.models import Account, User
    from instruments.models import Instrument

    named = {str(user.id): f"user {user.email}" for user in User.objects.all()}
    for instrument in Instrument.objects.all():
        named[str(instrument.id)] = f"instrument {instrument.symbol} {instrument.mic}"
    for account in Account.objects.select_related("user").order_by("id"):
        named[str(account.id)] = f"account {account.user.email}"
    return named


def _plain(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        told = sorted(value.keys() - LEFT_OUT)  # databases order them as they like
        return {key: _plain(value[key], known) for key in told}
    if isinstance(value, list):
        return [_plain(each, known) for each in value]
    if isinstance(value, str):
        value = UUID.sub(lambda found: known.setdefault(found[0], f"#{len(known) + 1}"), value)
        return DAY.sub("a day", MOMENT.sub("a moment", value))
    return value


if __name__ == "__main__":
    django.setup()
    json.dump(digest(), sys.stdout)
