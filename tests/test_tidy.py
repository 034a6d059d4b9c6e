"""The repository keeps its rules of style, and every rule catches what it is for."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests import tidy

ROOT = Path(__file__).resolve().parent.parent

# For each rule a file it must not let through.
BAD = {
    tidy.file_length: ("orders/services.py", "x = 1\n" * 451),
    tidy.function_length: ("orders/services.py", "def long():\n" + "    x = 1\n" * 60),
    tidy.module_name: ("orders/utils.py", ""),
    tidy.no_float: ("trades/commission.py", "def fee(rate: float):\n    return rate\n"),
    tidy.no_blanket_except: ("orders/services.py", "try:\n    x\nexcept Exception:\n    pass\n"),
    tidy.nothing_left_open: ("orders/services.py", "# TO" + "DO: later\n"),
    tidy.no_signals: ("orders/models.py", "from django.db.models.signals import post_save\n"),
    tidy.no_logic_in_save: ("orders/models.py", "class A:\n    def save(self):\n        pass\n"),
    tidy.no_own_clock: ("orders/services.py", "now = datetime.now(UTC)\n"),
    tidy.only_doors_read_the_clock: ("orders/services.py", "now = clock.now()\n"),
    tidy.public_docstrings: ("orders/services.py", "def place_orders(tickets):\n    pass\n"),
    tidy.one_name_per_thing: ("orders/api.py", 'shape = {"qty": 1}\n'),
    tidy.no_registry_hosts: ("README.md", "https://py" + "pi.org/project/bengi\n"),
    tidy.nothing_of_others: ("static/js/chart.min.js", ""),
    tidy.strict_csp: ("templates/base.html", '<a onclick="buy()">Buy</a>\n'),
}
# Further samples, where a rule has more than one way to be broken.
ALSO_BAD = [
    (tidy.no_float, "trades/fills.py", "price = float(text)\n"),
    (tidy.no_float, "trades/fills.py", "price = 0.1\n"),
    (tidy.no_blanket_except, "orders/api.py", "try:\n    x\nexcept:\n    pass\n"),
    (tidy.no_blanket_except, "orders/api.py", "try:\n    x\nexcept (A, Exception):\n    pass\n"),
    (tidy.no_own_clock, "orders/api.py", "from time import time\nx = time.time()\n"),
    (tidy.no_own_clock, "orders/api.py", "now = timezone.now()\n"),
    (tidy.one_name_per_thing, "orders/models.py", "class Order:\n    tif = Field()\n"),
    (tidy.one_name_per_thing, "orders/services.py", "def place(ticker):\n    pass\n"),
    (tidy.strict_csp, "templates/base.html", "<script>buy()</script>\n"),
    (tidy.strict_csp, "templates/base.html", '<p style="color: red">\n'),
    (tidy.strict_csp, "templates/base.html", '<script src="https://cdn.example/x.js"></script>\n'),
    (tidy.nothing_of_others, "static/js/chart.js", "x" * 401),
    (tidy.nothing_of_others, "node_modules/a/index.js", ""),
]
# What a rule must let through.
GOOD = [
    (tidy.no_float, "trades/loop.py", "def wait(timeout_s: float = 0.5):\n    pass\n"),
    (tidy.no_float, "trades/loop.py", "TIMEOUT_S = 0.5\n"),
    (tidy.only_doors_read_the_clock, "orders/api.py", "now = clock.now()\n"),
    (tidy.strict_csp, "templates/base.html", '<script type="module" src="/static/a.js">\n'),
    (tidy.one_name_per_thing, "instruments/standin/prices.py", 'quote = {"timestamp": 1}\n'),
    (tidy.no_blanket_except, "trades/loop.py", "try:\n    x\nexcept Exception:\n    log()\n"),
]


@cache
def tracked_files() -> dict[str, str]:
    """Return {path: text} of the text files git tracks, or of the folder where git is not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    texts = {}
    for path in filter(None, listed.split("\0")):
        try:
            texts[path] = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or a file on its way out
    return texts


@pytest.mark.parametrize("rule", tidy.RULES, ids=lambda rule: rule.__name__)
def test_the_repository_keeps(rule):
    findings = [
        f"{path}:{line}: {words}"
        for path, text in tracked_files().items()
        for line, words in rule(path, text)
    ]
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, *sample) for rule, sample in BAD.items()] + ALSO_BAD,
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_rule_catches(rule, path, text):
    assert list(rule(path, text))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_the_rule_lets_through(rule, path, text):
    assert list(rule(path, text)) == []


def test_every_rule_has_a_bad_sample():
    assert set(BAD) == set(tidy.RULES)


def test_every_listed_exception_exists():
    listed = {*tidy.MAY_CATCH_EVERYTHING, *tidy.MAY_READ_THE_MACHINE_CLOCK, *tidy.MONEY}
    listed |= {*tidy.WORDS_OF_OTHERS}
    assert {path for path in listed if not (ROOT / path).exists()} == set()


def contracts() -> dict[str, dict]:
    """Return the import contracts of pyproject.toml by the start of their names."""
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {c["name"].split(":")[0]: c for c in parsed["tool"]["importlinter"]["contracts"]}


def test_every_module_of_the_project_package_has_its_layer():
    text = " ".join(contracts()["Imports point down"]["layers"])
    named = set(text.replace("(", " ").replace(")", " ").split())
    without = {"settings", "tests", "__init__", "static"}
    modules = {
        path.stem
        for path in (ROOT / "bengi").iterdir()
        if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert {m for m in modules - without if f"bengi.{m}" not in named} == set()


def test_pure_modules_say_what_their_functions_do():
    contract = contracts()["The pure modules import no framework and do no input or output"]
    findings = []
    for path, text in tracked_files().items():
        module = path.removesuffix(".py").replace("/", ".")
        if module.startswith(tuple(contract["source_modules"])) and tidy.is_product(path):
            findings += [f"{path}:{n}: {words}" for n, words in tidy.missing_docstrings(path, text)]
    assert not findings, "\n".join(findings)


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    decisions = [path.name for path in folder.glob("[0-9]*.md")]
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []


def test_every_page_that_is_spoken_of_exists():
    """A docs page named in code, and a relative link in a page, lead somewhere."""
    named = {
        (path, match)
        for path, text in tracked_files().items()
        for match in re.findall(r"\bdocs/[a-z0-9/_-]+\.(?:md|png)", text)
        if not path.startswith("tests/")
    }
    for path, text in tracked_files().items():
        if path.endswith(".md"):
            links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
            named |= {(path, str(Path(path).parent / link)) for link in links}
    assert sorted(f"{path}: {name}" for path, name in named if not (ROOT / name).exists()) == []


def test_the_changelog_is_open():
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()
