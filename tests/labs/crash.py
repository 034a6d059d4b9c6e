"""Lab: kill the embedded process in the middle of a burst of orders, again and again.

    BENGI_DATABASE=FILE python -m tests.labs.crash ROUNDS SEED

Each round starts `manage.py run` on the same database, lets several clients place and cancel
orders over HTTP, and SIGKILLs the process some milliseconds after the first answer. With
everything down the books are then checked, the events folded, and every order that was
acknowledged looked for. Prints one JSON line; loopback only; ends by itself.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django
import requests

from scripts.supervisor.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS = 6
SYMBOLS = ["KO", "BAC", "XOM", "AAPL"]
READY_S_MAX = 90
ANSWER_S = 30
KILL_AFTER_MS_MAX = 400


class Product:
    """One life of the process."""

    def __init__(self, database: str) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "run",
                "--database",
                database,
                "--port",
                self.address.rpartition(":")[2],
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Client:
    """A signed-in trader's script; remembers which orders were acknowledged."""

    def __init__(self, address: str, cookie: str, seed: str) -> None:
        self.address = address
        self.random = random.Random(seed)
        self.acknowledged: list[str] = []
        self.session = requests.Session()
        self.session.cookies.update({"sessionid": cookie, "csrftoken": "c" * 32})
        self.session.headers["X-CSRFToken"] = "c" * 32

    def wait_until_ready(self) -> None:
        """Wait for a market that is open to orders: a quote of a second ago or less."""
        give_up = time.monotonic() + READY_S_MAX
        while time.monotonic() < give_up:
            try:
                answer = self.session.get(
                    f"{self.address}/api/v1/instruments/KO/quote", timeout=ANSWER_S
                )
                if answer.ok and float(answer.json()["age_s"] or 60) < 5:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"{self.address} did not get ready")

    def burst(self, first_answer: threading.Event, key: str) -> None:
        """Place (and now and then cancel) until the other side is gone."""
        for number in range(10_000):
            try:
                self._one(f"{key}-{number}")
            except requests.RequestException:
                return
            finally:
                first_answer.set()

    def _one(self, key: str) -> None:
        body = {
            "symbol": self.random.choice(SYMBOLS),
            "side": self.random.choice(["buy", "buy", "sell"]),
            "quantity": str(self.random.randint(1, 3)),
            "type": "market",
            "client_order_id": key,
        }
        answer = self.session.post(f"{self.address}/api/v1/orders", json=body, timeout=ANSWER_S)
        assert answer.status_code in {201, 403, 409, 422, 503}, answer.text
        if answer.status_code == 201:
            self.acknowledged.append(key)
            if self.random.random() < 0.2:
                order = answer.json()["id"]
                self.session.post(f"{self.address}/api/v1/orders/{order}/cancel", timeout=ANSWER_S)


def main(rounds: int, seed: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
    os.environ.setdefault("BENGI_RATE_LIMITS", "off")  # orders come in bursts
    django.setup()
    from trades.setting_aside.starts import forgive

    cookie = sign_in()
    chance = random.Random(seed)
    total = {"rounds": rounds, "acknowledged": 0, "with_work_pending": 0, "wrong": []}
    for number in range(rounds):
        play(number, cookie, chance, total)
        if number % 5 == 4:
            forgive(0)  # most lives are wary, because the ones before were killed; not all
    settle(cookie, total)
    print(json.dumps(total))


def play(number: int, cookie: str, chance: random.Random, total: dict[str, Any]) -> None:
    """One life: start, burst, kill, look."""
    product = Product(os.environ["BENGI_DATABASE"])
    try:
        seeds = [f"{number}:{each}" for each in range(CLIENTS)]
        crew = [Client(product.address, cookie, each) for each in seeds]
        crew[0].wait_until_ready()
        first_answer = threading.Event()
        threads = [
            threading.Thread(target=client.burst, args=(first_answer, f"crash-{seed}"))
            for client, seed in zip(crew, seeds, strict=True)
        ]
        for thread in threads:
            thread.start()
        first_answer.wait(READY_S_MAX)
        time.sleep(chance.randint(0, KILL_AFTER_MS_MAX) / 1000)
    finally:
        product.kill()
    for thread in threads:
        thread.join()
    look(f"round {number}", [key for client in crew for key in client.acknowledged], total)


def look(when: str, acknowledged: list[str], total: dict[str, Any]) -> None:
    """With everything down: count pending work, check the books, find what was acknowledged."""
    from django.db import connection

    from bengi.books import check_books
    from bengi.replay import differences, fold_log
    from orders.models import Order
    from trades.models import SetAside

    pending = Order.objects.filter(status__in=["accepted", "pending_cancel"]).exists()
    total["with_work_pending"] += pending
    total["acknowledged"] += len(acknowledged)
    found = set(Order.objects.values_list("client_order_id", flat=True))
    lost = [key for key in acknowledged if key not in found]
    wrong = [line for lines in check_books().values() for line in lines]
    wrong += list(differences(fold_log())) + [f"{key} is lost" for key in lost]
    wrong += [
        f"{row} was set aside, though nothing is wrong with it" for row in SetAside.objects.all()
    ]
    total["wrong"] += [f"{when}: {line}" for line in wrong]
    connection.close()


def settle(cookie: str, total: dict[str, Any]) -> None:
    """A last life without a kill in a burst: everything that was pending must get worked."""
    from orders.models import Order

    product = Product(os.environ["BENGI_DATABASE"])
    try:
        Client(product.address, cookie, "settle").wait_until_ready()
        give_up = time.monotonic() + 10
        stuck = Order.objects.filter(status__in=["accepted", "pending_cancel"])
        while stuck.exists() and time.monotonic() < give_up:
            time.sleep(0.1)
        total["wrong"] += [f"order {order.id} is stuck" for order in stuck]
    finally:
        product.kill()
    pending = total["with_work_pending"]
    look("in the end", [], total)
    total["with_work_pending"] = pending


def sign_in() -> str:
    """Prepare the database and return a session cookie of the demo trader's."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User

    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo", stdout=sys.stderr)
    user = User.objects.get(email=settings.DEMO_EMAIL)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    connection.close()
    assert session.session_key is not None
    return session.session_key


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
