"""A soak with two things wrong: the sockets' process leaks, and somebody has changed a balance.

    python -m tests.labs.soaked FOLDER

FOLDER becomes part of every process's path; what leaks is the one whose command names run_sockets.
The last line is {"code": the soak's exit code}; what the soak found is in its results.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from benchmarks import soak
from benchmarks.floor import Floor

LEAK = """
import sys, threading, time

def leak(kept=[]):
    while True:
        kept.append(bytearray(b"x" * 2**19))
        time.sleep(0.1)

if "run_sockets" in sys.orig_argv:
    threading.Thread(target=leak, daemon=True).start()
"""


def main(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(LEAK)
    os.environ["PYTHONPATH"] = str(folder)
    with mock.patch.object(soak, "wrong_in_books", _damaged(soak.wrong_in_books)):
        print(json.dumps({"code": soak.run()}))


def _damaged(look: Callable[[Floor], list[str]]) -> Callable[[Floor], list[str]]:
    def found(place: Floor) -> list[str]:
        from django.db.models import F

        from accounts.models import CashBalance

        one = CashBalance.objects.order_by("id").first()
        assert one is not None
        CashBalance.objects.filter(id=one.id).update(amount=F("amount") + 1)
        return look(place)

    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
