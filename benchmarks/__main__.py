"""Run the benchmarks: `python -m benchmarks` for all, `python -m benchmarks matcher` for some."""

import pkgutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def benchmarks() -> dict[str, Callable[[], None]]:
    """Return every benchmark of this folder by name: the modules that have a run()."""
    names = [module.name for module in pkgutil.iter_modules([str(HERE)])]
    modules = {name: import_module(f"benchmarks.{name}") for name in names if name != "__main__"}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


def main(names: list[str]) -> int:
    """Run the named benchmarks, all when none is named; 2 when there is none of that name."""
    known = benchmarks()
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    for name in names or known:
        known[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
