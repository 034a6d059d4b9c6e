"""A line that breaks under several threads at once is told once, and so is its return."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as Refused

from bengi import line as line_module
from bengi.line import Line

AWAY, AGAIN = "Redis is away, alone: refused", "Redis answers again"
THREADS = 8


@pytest.fixture
def line(caplog: pytest.LogCaptureFixture) -> Line:
    caplog.set_level(logging.WARNING, __name__)
    return Line(logging.getLogger(__name__), "alone", pause_s=0, pause_s_max=0)


def test_what_many_find_at_once_is_told_once(
    line: Line, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(THREADS)

    def slow_s() -> float:  # the look at the clock stands between finding and noting
        time.sleep(0.01)
        return 0.0

    monkeypatch.setattr(line_module, "time", SimpleNamespace(monotonic=slow_s))

    def find(_: int) -> None:
        together.wait()
        line.broke(Refused("refused"))
        together.wait()
        line.holds()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(find, range(THREADS)))
    assert caplog.messages == [AWAY, AGAIN]


def test_a_question_that_fails_after_its_return_is_no_news(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.broke(Refused("refused"))

    def question() -> None:
        line.holds()  # another was answered while this one waited
        raise Refused("refused")

    assert line.ask(question, "otherwise") == "otherwise"
    assert caplog.messages == [AWAY, AGAIN]
    assert not line.is_paused()


def test_one_that_breaks_again_is_told_again(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    def refused() -> None:
        raise Refused("refused")

    for _ in range(2):
        assert line.ask(refused, "otherwise") == "otherwise"
        assert line.ask(refused, "otherwise") == "otherwise"
        assert line.ask(lambda: "answer", "otherwise") == "answer"
    assert caplog.messages == [AWAY, AGAIN] * 2
