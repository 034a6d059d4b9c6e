"""The rules of style that a machine can keep, one function per rule.

A rule takes a file's path, relative to the repository, and its text; it yields (line, words) for
everything it does not like. `tests/test_tidy.py` runs every rule over every tracked file, and over
a bad sample that the rule must catch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

Findings = Iterator[tuple[int, str]]

MAX_LINES = 450
MAX_FUNCTION_LINES = 60

APPS = ("accounts", "instruments", "portfolios", "orders", "trades", "watchlists")
PRODUCT = ("bengi", *APPS)

# Modules that handle money or shares: exact decimals only.
MONEY = (
    "bengi/money.py",
    "bengi/events/",
    "accounts/",
    "portfolios/",
    "orders/",
    "trades/",
    "instruments/quotes.py",
    "instruments/models.py",
    "instruments/selectors.py",
)
# Process edges: a loop or a connection that has to outlive one bad turn, which it logs.
MAY_CATCH_EVERYTHING = (
    "trades/loop.py",
    "trades/corporate/loop.py",
    "instruments/feed.py",
    "instruments/archive_loop.py",
    "instruments/twelvedata/loop.py",
    "watchlists/loop.py",
    "bengi/realtime/hub.py",
    "bengi/probe.py",
    "bengi/redis_bus.py",
    # A request ends here as it does in Django; each caller of a group is told what is theirs.
    "bengi/order_door.py",
    "bengi/web.py",
    "bengi/group_commit.py",
    "bengi/group_lane.py",
    # Whatever a message makes fail, it is counted or set aside, and logged (docs/adr/0019).
    "trades/engine.py",
    "trades/work.py",
    "trades/corporate/due.py",
    "trades/setting_aside/actions.py",
    "trades/setting_aside/culprits.py",
    "trades/setting_aside/services.py",
)
MAY_READ_THE_MACHINE_CLOCK = ("bengi/clock.py",)
DOORS = re.compile(
    r"/(api|views|admin|tasks|consumers|embedded|feed|health|loop|context|middleware|order_door)\.py$|/management/"
)
# architecture: one name per thing. These are the words for things that have another name here.
OTHER_NAMES = {
    "tif": "time_in_force",
    "qty": "quantity",
    "executed_quantity": "filled_quantity",
    "executed_qty": "filled_quantity",
    "remaining": "leaves_quantity or remaining_quantity",
    "avg_price": "average_price",
    "ticker": "symbol",
    "exchange_code": "mic",
    "candle": "bar",
    "candles": "bars",
    "profit": "realized_pnl or unrealized_pnl",
    "px": "price, with what it is the price of",
    "lmt": "limit_price",
    "timestamp": "executed_at, as_of, or what happened then",
}
# What speaks another service's words, because that is what it is for.
WORDS_OF_OTHERS = ("instruments/standin/",)
# Written in two halves each, so that this file names no such host itself.
REGISTRY_HOSTS = re.compile(
    "|".join(
        first + second
        for first, second in (
            ("py", r"pi\.org"),
            ("python", r"hosted\.org"),
            ("npm", r"js\.(?:org|com)"),
            ("deb", r"\.debian\.org"),
            ("ruby", r"gems\.org"),
            ("crates", r"\.io"),
        )
    )
)


def is_product(path: str) -> bool:
    """Return whether path is code of the product: not a test, not a generated migration."""
    pure = PurePosixPath(path)
    return (
        pure.suffix == ".py"
        and pure.parts[0] in PRODUCT
        and not {"tests", "migrations"} & set(pure.parts)
    )


def is_money(path: str) -> bool:
    """Return whether path is code that handles money or shares."""
    return is_product(path) and path.startswith(MONEY)


def file_length(path: str, text: str) -> Findings:
    """A file that outgrows a few screens is two things in one room."""
    written = (".py", ".js", ".css", ".html")
    if path.endswith(written) and "/migrations/" not in path:
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield MAX_LINES, f"{lines} lines, at most {MAX_LINES}: split it by what it knows"


def function_length(path: str, text: str) -> Findings:
    """A function does one thing, in about 15 lines."""
    for node in functions(path, text) if is_product(path) else ():
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {lines} lines, at most {MAX_FUNCTION_LINES}"


def module_name(path: str, text: str) -> Findings:
    """A module is named after what it knows."""
    if {PurePosixPath(part).stem for part in PurePosixPath(path).parts} & {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
    }:
        yield 1, "name the module after what it knows"


def no_float(path: str, text: str) -> Findings:
    """Money and shares are Decimal; a number of seconds may be a float and says so in its name."""
    if not is_money(path):
        return
    tree = ast.parse(text)
    seconds = {id(part) for node in ast.walk(tree) for part in _seconds(node)}
    for node in ast.walk(tree):
        is_name = isinstance(node, ast.Name) and node.id == "float"
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if (is_name or is_literal) and id(node) not in seconds:
            yield node.lineno, "a float near money: use Decimal"


def _seconds(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what belongs to a name that ends in seconds: its annotation, its value, its default."""
    match node:
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            names = [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            names = [name]
        case ast.arguments(args=positional, kwonlyargs=keyword_only):
            names = [argument.arg for argument in positional + keyword_only]
        case _:
            names = []
    if names and names[-1].lower().endswith(("_s", "seconds")):
        yield from ast.walk(node)


def no_blanket_except(path: str, text: str) -> Findings:
    """Only a process edge may catch everything, and then it logs."""
    if not is_product(path) or path in MAY_CATCH_EVERYTHING:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
            yield node.lineno, "catches everything; name the errors that are expected"


def _catches_all(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"})
        for name in names
    )


def nothing_left_open(path: str, text: str) -> Findings:
    """What is not done is an issue, not a comment."""
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"))
    if path.endswith((".py", ".js", ".css", ".html", ".md", ".sh")):
        yield from _lines_with(rf"\b({words})\b", text, "left open")


def no_signals(path: str, text: str) -> Findings:
    """What happens is written where it happens; nothing listens at a distance."""
    if is_product(path):
        pattern = r"django\.dispatch|db\.models\.signals|@receiver\b|\b(pre|post)_save\b"
        yield from _lines_with(pattern, text, "a signal: call the service instead")


def no_logic_in_save(path: str, text: str) -> Findings:
    """A model keeps values; a service decides."""
    for node in functions(path, text) if re.search(r"models(/.*)?\.py$", path) else ():
        if node.name == "save":
            yield node.lineno, "an own save(): put the logic in a service"


def no_own_clock(path: str, text: str) -> Findings:
    """There is one clock; a replay drives it."""
    if is_product(path) and path not in MAY_READ_THE_MACHINE_CLOCK:
        pattern = r"\b(datetime|timezone|date)\.(now|utcnow|today)\(|\btime\.time\("
        yield from _lines_with(pattern, text, "reads the machine's clock: use bengi.clock")


def only_doors_read_the_clock(path: str, text: str) -> Findings:
    """Below the doors, now is a parameter."""
    if is_product(path) and not DOORS.search(path) and path != "bengi/clock.py":
        yield from _lines_with(r"\bclock\.now\(", text, "take now as a parameter")


def public_docstrings(path: str, text: str) -> Findings:
    """Public functions of services, selectors and rules say what they do."""
    if not is_product(path) or not re.search(r"/(services|selectors)(/|\.py)", f"/{path}"):
        return
    yield from missing_docstrings(path, text)


def missing_docstrings(path: str, text: str) -> Findings:
    """Yield the public functions at the top of a module that have no docstring."""
    for node in ast.parse(text).body:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"


def one_name_per_thing(path: str, text: str) -> Findings:
    """Fields, parameters and JSON keys use the words of the glossary."""
    if not is_product(path) or path.startswith(WORDS_OF_OTHERS):
        return
    for node in ast.walk(ast.parse(text)):
        for name in _names(node):
            if name in OTHER_NAMES:
                yield node.lineno, f"{name}: our word is {OTHER_NAMES[name]}"  # type: ignore[attr-defined]


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            yield name
        case ast.Dict(keys=keys):
            yield from (
                key.value
                for key in keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )


def no_registry_hosts(path: str, text: str) -> Findings:
    """Packages are named by name; where they come from is the machine's business."""
    if path != "tests/tidy.py":
        yield from _lines_with(REGISTRY_HOSTS.pattern, text, "names a package registry's host")


def nothing_of_others(path: str, text: str) -> Findings:
    """Third-party code is installed, never committed."""
    if "node_modules/" in path or re.search(r"\.min\.(js|css)$", path):
        yield 1, "third-party code is committed"
    if path.endswith((".js", ".css")) and any(len(line) > 400 for line in text.splitlines()):
        yield 1, "minified code is committed"


def strict_csp(path: str, text: str) -> Findings:
    """Pages keep the Content-Security-Policy: nothing inline, nothing from elsewhere."""
    if not path.endswith(".html"):
        return
    inline = (
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|<style\b|\sstyle=|\son[a-z]+="
    )
    yield from _lines_with(inline, text, "inline script, style or handler")
    yield from _lines_with(r"<(script|link|img)[^>]*(src|href)=\"(https?:)?//", text, "offsite")


RULES = (
    file_length,
    function_length,
    module_name,
    no_float,
    no_blanket_except,
    nothing_left_open,
    no_signals,
    no_logic_in_save,
    no_own_clock,
    only_doors_read_the_clock,
    public_docstrings,
    one_name_per_thing,
    no_registry_hosts,
    nothing_of_others,
    strict_csp,
)


def functions(path: str, text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a Python file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines_with(pattern: str, text: str, words: str) -> Findings:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.search(pattern, line):
            yield number, f"{words}: {found.group().strip()}"
