"""Where the CPU time of a call goes, by the functions on its way: each without those inside it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

Part = tuple[str, str, str]
"""What it is called, its module, and the name of the function there, through a class if need be."""


class Spent:
    """CPU seconds of this thread by part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = ["the rest"]
        self._since = time.thread_time()

    def _switch(self) -> None:
        now = time.thread_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        self._switch()
        self._open.append(name)
        try:
            yield
        finally:
            self._switch()
            self._open.pop()

    def wrap(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.inside(name):
                return act(*args, **kwargs)

        return timed


@contextmanager
def watched(parts: Sequence[Part]) -> Iterator[Spent]:
    """Count what is spent in each part while this lasts."""
    spent, undo = Spent(), []
    for name, module, path in parts:
        owner: Any = import_module(module)
        *outer, last = path.split(".")
        for each in outer:
            owner = getattr(owner, each)
        before = owner.__dict__[last]
        undo.append((owner, last, before))
        setattr(owner, last, spent.wrap(name, before))
    try:
        yield spent
        spent._switch()
    finally:
        for owner, last, before in reversed(undo):
            setattr(owner, last, before)
