"""Lab: many threads spend the same refresh token at once. Prints what they got, as JSON.

python -m tests.labs.refresh_race THREADS
"""

import json
import os
import sys
import threading
from collections import Counter

import django


def main(threads: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import RequestFactory

    from accounts.identity.models import RefreshToken, SignIn
    from accounts.identity.sign_ins import begin_tokens, refresh
    from accounts.models import User
    from bengi import clock
    from bengi.errors import BengiError
    from bengi.ids import new_id

    call_command("migrate", verbosity=0, interactive=False)
    request = RequestFactory().post("/")
    user = User.objects.create(email=f"{new_id()}@bengi.example")
    pair = begin_tokens(request, user, now=clock.wall())
    successors: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    start = threading.Barrier(threads, timeout=60)
    connection.close()  # the pool has one for each of twenty threads, and none besides

    def spend() -> None:
        try:
            connection.ensure_connection()
            start.wait()
            successors[refresh(request, pair.refresh, now=clock.wall()).refresh] += 1
        except BengiError as error:
            errors[error.code] += 1
        except Exception as error:  # noqa: BLE001 - told with the rest, and nobody waits for it
            start.abort()
            errors[repr(error)] += 1
        finally:
            connection.close()

    crew = [threading.Thread(target=spend) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    told = {
        "vendor": connection.vendor,
        "successors": sorted(successors.values()),
        "errors": errors,
        "tokens": RefreshToken.objects.count(),
        "unspent": RefreshToken.objects.filter(spent_at=None).count(),
        "live": SignIn.objects.filter(ended_at=None).count(),
    }
    ((successor, _),) = successors.items()
    told["next"] = refresh(request, successor, now=clock.wall()).refresh != successor
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
