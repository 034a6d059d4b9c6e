"""What processes use of this machine, as Linux tells it: CPU time and memory."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PARENT, _OWN, _OF_ENDED = 1, slice(11, 13), slice(13, 15)
"""Places in /proc/PID/stat, counted from behind the name."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What processes hold of the memory, in MiB.

    pss_mib: what they share with others in part, rss_mib: whole. shared_mib: how much of pss_mib is
    memory made to be shared, such as the buffers of PostgreSQL, which fill up and stay full.
    """

    pss_mib: float
    rss_mib: float
    shared_mib: float


def cpu_s(process: int) -> float:
    """Return the CPU seconds of a process so far, 0 where it is not on this machine."""
    return _seconds(_stat(process), _OWN)


def children_cpu_s(parent: int) -> float:
    """Return the CPU seconds of a process's children so far, those that live."""
    return sum(_seconds(stat, _OWN) for stat in _stats().values() if stat[_PARENT] == str(parent))


def family_cpu_s(process: int) -> float:
    """Return the CPU seconds of a process and all that came of it, what has ended too."""
    return sum(
        _seconds(stat, _OWN) + _seconds(stat, _OF_ENDED) for stat in map(_stat, family(process))
    )


def family(process: int) -> list[int]:
    """Return the process and all that live of those that it has started, and they."""
    stats = _stats()
    found = [process]
    for parent in found:  # grows while it is walked
        found += [each for each, stat in stats.items() if stat[_PARENT] == str(parent)]
    return found


def memory(process: int) -> Memory:
    """Return what a process and its family hold."""
    told = {"Pss": 0, "Rss": 0, "Pss_Shmem": 0}
    for each in family(process):
        for name, kib in _rollup(each):
            if name in told:
                told[name] += kib
    return Memory(*(kib / 1024 for kib in told.values()))


def _rollup(process: int) -> Iterator[tuple[str, int]]:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            yield name, int(rest.split()[0])


def _stats() -> dict[int, list[str]]:
    found = {int(each.name): _stat(int(each.name)) for each in PROC.glob("[0-9]*")}
    return {process: stat for process, stat in found.items() if stat}


def _stat(process: int) -> list[str]:
    """Return the fields behind the name: state, parent, ...; none of a process that is no more."""
    with contextlib.suppress(OSError):
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    return []


def _seconds(stat: list[str], which: slice) -> float:
    return sum(map(int, stat[which])) / TICKS_PER_S
