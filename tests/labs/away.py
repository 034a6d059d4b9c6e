"""Lab: the database goes away under a web process and comes back. Prints the answers, as JSON.

python -m tests.labs.away POSTGRES_PROGRAM
"""

import json
import os
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tests import servers

ASKED = 4
BACK_WITHIN_S = 20


def main(program: str) -> None:
    with servers.cluster(Path(program)) as server, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATABASE_URL": server.url,
            "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
            "BENGI_VAR": folder,
        }
        sys.argv[0] = "gunicorn"  # by which the settings know a process that answers requests
        from tests.labs.stage import set_up

        stage = set_up(Decimal(1000))
        from django.db import close_old_connections
        from django.test import Client

        from accounts.models import Account

        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        client.force_login(Account.objects.get(id=stage.account_id).user)

        def ask(path: str) -> tuple[float, int, str]:
            began = time.monotonic()
            answer = client.get(path)
            close_old_connections()  # as a server does with every request, and the client does not
            took = round(time.monotonic() - began, 3)
            is_json = answer["Content-Type"].endswith("json")
            return took, answer.status_code, answer.json().get("code", "") if is_json else ""

        before = ask("/api/v1/accounts")
        server.crash()
        away = [ask("/api/v1/accounts") for _ in range(ASKED)]
        pages = [ask("/trade") for _ in range(2)]
        server.start()
        back_at = time.monotonic()
        while ask("/api/v1/accounts")[1] != 200 and time.monotonic() - back_at < BACK_WITHIN_S:
            time.sleep(0.1)
        back_s = round(time.monotonic() - back_at, 3)
        told = {"before": before, "away": away, "pages": pages, "back_s": back_s}
        print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
