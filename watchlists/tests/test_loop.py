"""The loop looks at once, and again after a failure, but not without a pause."""

from threading import Event, Thread

from instruments.tests.factories import QUOTED_AT
from watchlists import loop as loop_module
from watchlists.loop import AlertLoop


def test_the_first_look_is_at_the_start():
    loop, looked = AlertLoop(lambda: QUOTED_AT), Event()

    def turn() -> bool:
        looked.set()
        return True

    loop.turn = turn
    thread = Thread(target=loop.run)
    thread.start()
    was_prompt = looked.wait(AlertLoop.SWEEP_S / 2)
    loop.stop()
    thread.join(10)
    assert was_prompt


def test_a_look_that_failed_is_tried_again_once_a_second(monkeypatch):
    loop, turns, pauses = AlertLoop(lambda: QUOTED_AT), [], []

    def turn() -> bool:
        turns.append(len(turns))
        loop._wake.set()
        if len(turns) == 3:
            loop.stop()
        return len(turns) == 3

    loop.turn = turn
    monkeypatch.setattr(loop_module.time, "sleep", pauses.append)
    loop.run()
    assert (turns, pauses) == ([0, 1, 2], [1.0, 1.0])
