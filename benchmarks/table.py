"""Time work in CPU seconds, print it as a table beside its baseline, keep it as JSON."""

import gc
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

RESULTS = Path(
    os.environ.get("BENCH_RESULTS", Path(__file__).resolve().parent.parent / "var" / "bench")
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing measured: how many a second, and how many times the baseline of the same run."""

    name: str
    per_second: float
    unit: str
    ratio: float | None = None
    target: str = ""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds this process spends on work, with the garbage collector resting."""
    gc.collect()
    gc.disable()
    try:
        started = process_time()
        work()
        return process_time() - started
    finally:
        gc.enable()


def report(name: str, title: str, lines: Sequence[Line]) -> None:
    """Print the table of one benchmark and write it to RESULTS/<name>.json."""
    print(f"\n{title}")
    width = max(len(line.name) for line in lines)
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio:8.2f} x"
        print(
            f"  {line.name:<{width}}  {line.per_second:>12,.0f} {line.unit}{ratio}  {line.target}"
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    body = {
        "title": title,
        "measured_at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "lines": [asdict(line) for line in lines],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    """Return where the numbers were measured: interpreter, system, cores."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
