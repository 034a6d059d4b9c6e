"""docs/errors.md lists every code that the product can answer with, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from bengi.problem import CODE_OF_STATUS

ROOT = Path(settings.BASE_DIR)
APPS = ("bengi", "accounts", "instruments", "portfolios", "orders", "trades", "watchlists")
CATEGORIES = {
    "BengiError",
    "Malformed",
    "NotAuthenticated",
    "Forbidden",
    "NotFound",
    "Conflict",
    "Refused",
    "RateLimited",
    "Unavailable",
    "PayloadTooLarge",
}
CODE = re.compile(r"[a-z]+(_[a-z]+)+|forbidden|unavailable")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.parts):
                yield path, ast.parse(path.read_text())


def text_of(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def codes_in(tree: ast.Module) -> Iterator[str]:
    """Yield what errors are made with: first arguments of categories and of what is raised or
    yielded, code= anywhere, and default_code of a category."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if name_of(node) in CATEGORIES and node.args:
                yield text_of(node.args[0])
            yield from (text_of(word.value) for word in node.keywords if word.arg == "code")
        if isinstance(node, ast.Raise | ast.Yield):
            made = node.exc if isinstance(node, ast.Raise) else node.value
            if isinstance(made, ast.Call) and made.args and name_of(made) != "ValueError":
                yield text_of(made.args[0])
        if isinstance(node, ast.Assign) and text_of(node.value):
            names = {getattr(target, "id", "") for target in node.targets}
            if "code" in names:
                yield text_of(node.value)


def codes_of_code() -> set[str]:
    found = set(CODE_OF_STATUS.values())
    for path, tree in sources():
        if path.name != "errors.py":
            found |= {code for code in codes_in(tree) if CODE.fullmatch(code)}
    return found - {"unknown_type"}  # of the socket only


def rows_of(heading: str) -> dict[str, list[str]]:
    """Return the cells of the table under heading, by the code in the first cell."""
    text = (ROOT / "docs" / "errors.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    codes = [row[0].strip("`") for row in cells]
    assert len(codes) == len(set(codes)), "a code stands twice"
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_code_is_documented_and_every_documented_code_exists():
    assert set(rows_of("HTTP")) == codes_of_code()


def test_every_row_has_a_status_and_words():
    for code, (status, words) in rows_of("HTTP").items():
        assert status in {"400", "401", "403", "404", "405", "409", "413", "415", "422", "429"} | {
            "500",
            "503",
        }, code
        assert words.endswith("."), code


def test_the_statuses_of_bare_codes_are_the_documented_ones():
    rows = rows_of("HTTP")
    for status, code in CODE_OF_STATUS.items():
        assert rows[code][0] == str(status)


def test_the_socket_codes_are_documented():
    paths = (ROOT / "bengi" / "consumers.py", ROOT / "bengi" / "realtime" / "protocol.py")
    said = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name_of(node) in {"error", "Malformed"} and node.args:
                said.add(text_of(node.args[0]))
    assert set(rows_of("Socket")) == said - {""}
