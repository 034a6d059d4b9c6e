"""The examples of docs/api.md are run, from top to bottom, against a product of their own."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.browser.product import ROOT, Product, running_product

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "api.md").read_text()
SITE = "http://127.0.0.1:8000"
DEMO = "demo@bengi.example"
SIGN_IN = {"email": DEMO, "password": "paper-trading-demo"}
QUOTED_WITHIN_S = 30
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|\()(?:api|curl) ", re.MULTILINE)
STAFF = "\n## The staff desk\n"
# Every curl tells its status and address on the side, every answer is a line of its own.
PRELUDE = """
set -euo pipefail
curl() { command curl -w '\\n%{stderr}%{http_code} %{method} %{url}\\n' "$@"; }
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Start the product and wait until its market has said something."""
    with running_product(tmp_path_factory.mktemp("product")) as running:
        api = requests.Session()
        api.get(f"{running.url}/signin")
        token = {"X-CSRFToken": api.cookies["csrftoken"]}
        api.post(f"{running.url}/signin", data=SIGN_IN, headers=token, allow_redirects=False)
        deadline = time.monotonic() + QUOTED_WITHIN_S
        while time.monotonic() < deadline:
            quotes = [f"{running.url}/api/v1/instruments/{each}/quote" for each in ("AAPL", "MSFT")]
            if all(api.get(quote).json()["bid"] for quote in quotes):
                break
            time.sleep(0.1)
        yield running


def blocks(language: str, text: str = PAGE) -> list[str]:
    return [match[2] for match in BLOCK.finditer(text) if match[1] == language]


def script(product: Product) -> str:
    """Return all commands of the page.

    The one who gives them is made one of staff for the desk, and has to sign in anew then.
    """
    before, _, after = PAGE.partition(STAFF)
    promote = f"{shlex.quote(sys.executable)} -m tests.labs.staff {DEMO} KO > /dev/null"
    first, *more = blocks("sh", before)
    whole = [PRELUDE, first, *more, f"(cd {ROOT} && {promote})", first, *blocks("sh", after)]
    return "\n".join(whole).replace(SITE, product.url)


def environment(product: Product) -> dict[str, str]:
    database = str(product.log.parent / "product.sqlite3")
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | {"BENGI_DATABASE": database, "DJANGO_SETTINGS_MODULE": "bengi.settings.dev"}


def run(command: list[str], folder: Path, product: Product) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(product),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (done.stdout[-1000:], done.stderr[-2000:])
    return done


def asked(stderr: str) -> list[tuple[int, str]]:
    """Return (status, method and address) of every request, in their order."""
    lines = re.findall(r"^(\d{3}) (\w+) http://[^/]+(\S+)$", stderr, re.MULTILINE)
    return [(int(status), f"{method} {path}") for status, method, path in lines]


def test_the_commands_of_the_page(product: Product, commands: Path, tmp_path: Path):
    path = f'PATH="{commands}:$PATH"\n'
    done = run(["bash", "-c", path + script(product)], tmp_path, product)
    made = asked(done.stderr)
    assert len(made) == len(COMMAND.findall(script(product)))
    wrong = [each for each in made if not 200 <= each[0] < 400]
    assert wrong == [], done.stdout
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    signed_in, first, bracket, batch, story, watched, alert, news, *more = answers
    executed, correction, withdrawn, quote, orders, gone, events, fresh = more
    assert (signed_in["token_type"], signed_in["expires_in"]) == ("Bearer", 300)
    assert (first["client_order_id"], first["status"]) == ("my-first", "accepted")
    assert [leg["leg"] for leg in bracket["legs"]] == ["take_profit", "stop_loss"]
    assert [each["order"]["client_order_id"] for each in batch["results"]] == ["first", "second"]
    assert story["order"]["id"] == first["id"]
    assert story["timeline"][0]["kind"] == "accepted"
    assert watched["symbols"] == ["ASML", "NVDA", "INTC"]
    assert (alert["kind"], alert["status"]) == ("below", "waiting")
    assert {each["kind"] for each in news["results"]} <= {"fill"}
    assert (executed["quantity"], executed["liquidity"]) == ("4", "manual")
    assert (correction["exec_id"], correction["outcome"]) == (executed["exec_id"], "asked")
    assert withdrawn["transaction"]["entries"] == [{"currency": "USD", "amount": "-250"}]
    assert quote["symbol"] == "AAPL"
    assert first["id"] in {order["id"] for order in orders["results"]}
    assert (gone["id"], gone["status"]) == (first["id"], "pending_cancel")
    assert [event["seq"] for event in events["results"]][:2] == [1, 2]
    assert fresh["id"] != first["account_id"]
    assert [each["cash"] for each in fresh["balances"]] == ["50000"]


def test_the_program_of_the_page(product: Product, tmp_path: Path):
    (program,) = blocks("python")
    done = run([sys.executable, "-c", program.replace(SITE, product.url)], tmp_path, product)
    preview, placed, again, refused, *symbols = done.stdout.splitlines()
    assert preview.endswith(" []")
    assert (placed, again) == ("201 accepted", "200 true")
    assert refused == "422 unknown_symbol"
    everything = " ".join(symbols).split()
    assert everything == sorted(everything)
    assert {"AAPL", "MSFT"} <= set(everything)


def test_the_json_of_the_page_is_json():
    for block in blocks("json"):
        json.loads(block)
