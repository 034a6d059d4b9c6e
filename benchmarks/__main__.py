"""Run the benchmarks: `python -m benchmarks` for all, `python -m benchmarks matcher` for some.

Each of several runs in a process of its own: Django is set up once in a process, and they set it up
for different databases. What takes long has to be asked for by name.
"""

import pkgutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
BY_NAME_ONLY = ("soak",)


def benchmarks() -> dict[str, Callable[[], int | None]]:
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
    wanted = names or [name for name in known if name not in BY_NAME_ONLY]
    if len(wanted) == 1:
        return known[wanted[0]]() or 0
    codes = [
        subprocess.run([sys.executable, "-m", "benchmarks", name]).returncode for name in wanted
    ]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
