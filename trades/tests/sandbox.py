"""Pure modules compiled from source apart from the real ones, one of them with a planted bug."""

import builtins
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FAMILY = (
    "trades.matching",
    "instruments.realism",
    "accounts.commission",
    "accounts.fees",
    "portfolios.lots",
    "portfolios.splits",
    "portfolios.dividends",
    "orders.lifecycle",
    "orders.splits",
    "instruments.splits",
)


class Bug(NamedTuple):
    """A text of a module's source, there once, and what stands in its place while planted."""

    name: str
    module: str
    old: str
    new: str

    def planted(self):
        """Return what a Sandbox takes to have the bug."""
        return {self.module: changed(self.module, self.old, self.new)}


class Sandbox:
    """A private copy of the family's modules; everything else is imported as usual."""

    def __init__(self, sources=None, family=FAMILY):
        """sources: module name -> source text to use in place of the file's."""
        self._sources = sources or {}
        self._family = family
        self._modules = {}

    def load(self, name):
        """Return the sandbox's own copy of a module of the family."""
        if name not in self._modules:
            module = ModuleType(name)
            module.__dict__["__builtins__"] = vars(builtins) | {"__import__": self._import}
            self._modules[name] = module
            source = self._sources.get(name) or source_of(name)
            exec(compile(source, f"<planted {name}>", "exec"), module.__dict__)
        return self._modules[name]

    def _import(self, name, globals_=None, locals_=None, fromlist=(), level=0):
        if name.startswith(self._family):
            assert fromlist, f"the sandbox knows only `from {name} import ...`"
            return self.load(name)
        return __import__(name, globals_, locals_, fromlist, level)


def source_of(name):
    """Return the source text of a module, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).read_text(encoding="utf-8")


def changed(name, old, new):
    """Return the source text of a module with another text in place of one that is there once."""
    source = source_of(name)
    assert source.count(old) == 1, f"stale: {old!r} occurs {source.count(old)} times"
    return source.replace(old, new)
