"""How small batches get until what fails stands alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trades.setting_aside.trouble import TRIES, Trouble

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def sift(commands: list[int], poison: set[int], back: int = 0) -> tuple[list[int], list[int], int]:
    """Return what was worked, what was set aside, and how many batches failed, of a queue.

    back: how many harmless commands come back, before all others, with every failure.
    """
    trouble, left, worked, aside, failures = Trouble(), list(commands), [], [], 0
    for _ in range(10_000):
        if not left and trouble.window is None:
            return worked, aside, failures
        batch = left[: trouble.window]
        if poison & set(batch):
            failures += 1
            left = [-1] * back + [each for each in left if each >= 0]
            trouble.failed(len(batch), NOW)
            if trouble.is_found(len(batch)):
                aside += batch
                left = [each for each in left if each not in batch]
                trouble.found()
        else:
            worked += batch
            left = left[len(batch) :]
            trouble.passed(is_all=not left)
    raise AssertionError("the queue never ends")


@given(st.integers(1, 300), st.sets(st.integers(0, 299), max_size=4))
def test_all_but_the_poison_is_worked_in_order(size: int, poison: set[int]) -> None:
    commands = list(range(size))
    worked, aside, failures = sift(commands, poison)
    assert aside == [each for each in commands if each in poison]
    assert worked == [each for each in commands if each not in poison]
    assert failures >= TRIES * len(aside)


@pytest.mark.parametrize(("size", "failures"), [(1, 5), (16, 5), (17, 5), (1500, 11)])
def test_one_in_many_is_found_soon(size: int, failures: int) -> None:
    """1500 -> 750 -> 375 -> 187 -> 93 -> 46 -> 23 -> 11 -> 5 -> 2 -> 1: eleven batches fail."""
    assert sift(list(range(size)), {0})[2] == failures


@pytest.mark.parametrize("back", [1, 2, 3, 7])
def test_what_comes_back_with_every_failure_does_not_hide_it(back: int) -> None:
    worked, aside, _ = sift(list(range(40)), {0, 20}, back)
    assert aside == [0, 20]
    assert [each for each in worked if each >= 0] == [n for n in range(40) if n not in {0, 20}]


def test_while_all_is_well_a_batch_takes_all_there_is() -> None:
    trouble = Trouble()
    trouble.passed(is_all=True)
    assert (trouble.window, trouble.failures) == (None, 0)


def test_one_failure_that_does_not_come_again_sets_nothing_aside() -> None:
    trouble = Trouble()
    trouble.failed(1, NOW)
    assert (trouble.window, trouble.is_found(1)) == (1, False)
    trouble.passed(is_all=True)
    assert trouble == Trouble()
