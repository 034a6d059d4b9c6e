"""What each process of the standard and of the scale-out mode holds of the memory.

At rest a while after its start, and after it has been traded with over HTTP and sockets as fast as
it goes. PSS counts what processes share in part, so the sum is what the machine needs; RSS counts
it whole. A name stands for a process and what it has started. The market is small, so this says
where they begin; how they grow is for benchmarks/soak.py to say. The baseline is a process that has
loaded the product and does nothing.

    python -m benchmarks memory              both modes, each on servers of its own
    python -m benchmarks.memory standard     one mode, JSON
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict

from benchmarks.floor import Floor, floor, stock
from benchmarks.modes import Mode, running
from benchmarks.over_http import trade
from benchmarks.table import Line, report
from benchmarks.usage import Memory, family, memory
from scripts.supervisor.__main__ import ROOT
from scripts.supervisor.processes import MODES

LOADED = "the product loaded, nothing started"
REST_S = float(os.environ.get("BENCH_REST_S", "15"))
Held = dict[str, Memory]


def run() -> None:
    """Measure both modes."""
    code = loaded()
    lines = [Line(f"baseline: {LOADED}", code, "MiB")]
    for mode in MODES:
        told = _in_a_process(mode)
        lines += _lines(mode, told["idle"], told["after"], code)
    report("memory", "Memory by process, at rest and after a load, PSS (and RSS)", lines)


def _in_a_process(mode: str) -> dict[str, dict[str, dict[str, float]]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", mode],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    found: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def loaded() -> float:
    """Return the PSS of a process that has loaded the product, in MiB."""
    words = "import sys, django; django.setup(); import bengi.urls; print('loaded', flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{words}; sys.stdin.read()"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "bengi.settings.dev"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loaded\n"
        held = memory(process.pid).pss_mib
        process.communicate(timeout=30)
    return held


def measure(kind: str) -> dict[str, Held]:
    """Return what every process of a mode holds at rest and after the load."""
    with floor(mode=kind) as place, running(place) as mode:
        stock(place)
        time.sleep(REST_S)
        idle = held(place, mode)
        trade(place, mode, "memory")
        time.sleep(2)
        return {"idle": idle, "after": held(place, mode)}


def held(place: Floor, mode: Mode) -> Held:
    """Return what each process and each server holds, with what it has started."""
    found = {name: memory(child.pid) for name, child in mode.children.items() if child.pid}
    web = mode.children.get("web")
    if web is not None and web.pid:
        workers = [memory(pid) for pid in family(web.pid)[1:]]
        found["web, its largest worker"] = max(workers, key=lambda each: each.pss_mib)
    return found | {"PostgreSQL": memory(place.postgres)}


def _lines(
    mode: str, idle: dict[str, dict[str, float]], after: dict[str, dict[str, float]], code: float
) -> list[Line]:
    lines = []
    for name, at_rest in idle.items():
        told = after[name]
        words = f"{told['pss_mib']:.0f} after load; RSS {at_rest['rss_mib']:.0f}, "
        words += f"{told['rss_mib']:.0f}"
        pss = at_rest["pss_mib"]
        lines.append(Line(f"{mode}: {name}", pss, "MiB", pss / code, words))
    ours = [name for name in idle if name not in {"PostgreSQL", "web, its largest worker"}]
    whole, loaded = (sum(each[name]["pss_mib"] for name in ours) for each in (idle, after))
    lines.append(Line(f"{mode}: all but PostgreSQL", whole, "MiB", None, f"{loaded:.0f} after"))
    return lines


if __name__ == "__main__":
    told = measure(sys.argv[1])
    print(
        json.dumps({when: {n: asdict(m) for n, m in each.items()} for when, each in told.items()})
    )
