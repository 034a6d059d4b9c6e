"""The staff desk as a process of its own, beside a running product on the same database.

    BENGI_DATABASE=... python -m tests.labs.desk EMAIL

Busts the newest fill of EMAIL's, asked for by one of staff and approved by another; prints its id.
"""

import os
import sys
import time
from datetime import UTC, datetime

import django


def main(email: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
    django.setup()
    from accounts.models import User
    from trades.corrections import approve, ask_bust
    from trades.selectors import standing_trades

    one, two = (
        User.objects.create(email=f"dealer{time.time_ns()}@bengi.example", is_superuser=True)
        for _ in range(2)
    )
    trade = standing_trades().filter(account__user__email=email).latest("exec_id")
    now = datetime.now(UTC)
    asked = ask_bust(one, trade.exec_id, reason="Clearly erroneous", now=now)
    approve(asked.id, two, now=now)
    print(trade.exec_id)


if __name__ == "__main__":
    main(sys.argv[1])
