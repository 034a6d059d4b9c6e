"""Staff as a process of its own, beside a running product on the same database.

    BENGI_DATABASE=... python -m tests.labs.staff EMAIL SYMBOL

Makes EMAIL one of staff with every right, lets a colleague enter a split of SYMBOL, prints its id.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

import django


def main(email: str, symbol: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
    django.setup()
    from accounts.models import User
    from bengi.terms import CorporateActionKind
    from instruments.models import CorporateAction, Instrument
    from trades.corporate.proposals import propose
    from trades.corporate.terms import ActionTerms

    User.objects.filter(email=email).update(is_staff=True, is_superuser=True)
    address = f"staff{time.time_ns()}@bengi.example"
    colleague = User.objects.create(email=address, is_staff=True, is_superuser=True)
    now = datetime.now(UTC)
    day = (now + timedelta(days=3 + CorporateAction.objects.count())).date()
    terms = ActionTerms(CorporateActionKind.SPLIT, day, ratio_to=7, ratio_from=2)
    instrument = Instrument.objects.get(symbol=symbol)
    print(propose(colleague, instrument, terms, now=now).id)


if __name__ == "__main__":
    main(*sys.argv[1:])
