"""The product as people run it: one process on a free port, with a database of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.supervisor.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 20


class ProductDidNotStart(Exception):
    """The product did not answer in time; the message carries the end of its output."""


@dataclass(frozen=True)
class Product:
    """A running product: where it is, its process and what it writes."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def running_product(folder: Path, port: int = 0) -> Iterator[Product]:
    """Start `manage.py run` on a database in folder and stop it, by its id, at the end.

    port: 0 for a free one; one that is named finds the product where it was before.
    """
    port, log = port or free_port(), folder / "product.log"
    command = [sys.executable, "manage.py", "run", "--port", str(port)]
    command += ["--database", str(folder / "product.sqlite3")]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bengi.settings.dev"}
    environment.pop("DATABASE_URL", None)
    environment["BENGI_RATE_LIMITS"] = "off"  # everybody here comes from one address
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    product = Product(f"http://127.0.0.1:{port}", process, log)
    try:
        _await_answer(product)
        yield product
    finally:
        _stop(process)


def _await_answer(product: Product) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while product.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(product.url, timeout=10).close()
            return
        time.sleep(0.1)
    raise ProductDidNotStart(product.output()[-2000:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
