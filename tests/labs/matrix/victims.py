"""Who is killed, and how: processes of the supervisor's, servers of the lab's own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.servers import Cluster, Redis
from tests.supervised import Mode

VICTIMS = ("engine", "web", "relay", "worker", "beat", "postgres", "redis", "kafka")
AWAY_S = 1.0
"""How long a server of the lab's stays away; the supervisor leaves as much to its own."""
AGAIN_WITHIN_S = 30


class Victims:
    """The processes of an installation. turn: which round it is, as some die in several ways."""

    def __init__(self, mode: Mode, postgres: Cluster, redis: Redis) -> None:
        self._mode, self._postgres, self._redis = mode, postgres, redis

    def kill(self, victim: str, turn: int) -> list[int]:
        """Kill it, and bring servers of the lab's back; return which of the supervisor's died."""
        if victim == "postgres":
            self._crash_postgres(turn)
        elif victim == "redis":
            self._redis.crash()
            time.sleep(AWAY_S)
            self._redis.start()
        else:
            pids = self._pids(victim, turn)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return pids
        return []

    def await_again(self, victim: str, killed: list[int]) -> None:
        """Wait until the supervisor has started others in place of those that were killed."""
        give_up_s = time.monotonic() + AGAIN_WITHIN_S
        while set(killed) & set(self.pids(victim).values()):
            assert time.monotonic() < give_up_s, f"{victim} was not started again"
            time.sleep(0.1)

    def pids(self, victim: str) -> dict[str, int]:
        """Return the supervisor's processes of that name."""
        return self._mode.pids(victim)

    def environment(self) -> dict[str, str]:
        """Return what the supervisor tells its processes, for one more of them."""
        (pid,) = self._mode.pids("relay").values()
        words = Path(f"/proc/{pid}/environ").read_text().split("\0")
        return dict(word.split("=", 1) for word in words if "=" in word)

    def _pids(self, victim: str, turn: int) -> list[int]:
        """One engine, both, the other one; web's master, then one of its workers."""
        pids = list(self._mode.pids(victim).values())
        if victim == "engine":
            return [pids[:1], pids, pids[1:]][turn % 3]
        if victim == "web" and turn % 2:
            return _children(pids[0])[:1]
        return pids

    def _crash_postgres(self, turn: int) -> None:
        """Stopped where it stands, a session killed under it, its postmaster alone killed."""
        if turn % 3 == 1:
            self._postgres.kill_a_backend()
            self._postgres.await_answer()
            return
        self._postgres.crash(signal.SIGKILL if turn % 3 else signal.SIGQUIT)
        time.sleep(AWAY_S)
        self._postgres.start()


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
