"""Scenes from the blackboard: the files in golden/, as blackboard.py reads them."""

from pathlib import Path

import pytest

from bengi.terms import OrderType, Realism, TimeInForce
from orders.rules import LASTING, STOPS
from trades.tests.blackboard import check_scene, scenes

GOLDEN = Path(__file__).parent / "golden"
SCENES = [
    pytest.param(lines, id=f"{path.stem}: {title}")
    for path in sorted(GOLDEN.glob("*.txt"))
    for title, lines in scenes(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("lines", SCENES)
def test_scene(lines):
    check_scene(lines)


def test_every_scene_is_read():
    assert len(SCENES) >= 60


def test_the_matrix_has_every_type_time_in_force_and_profile():
    wanted = {
        f"{kind} {word} {profile}"
        for kind in OrderType
        for word in (LASTING if kind in STOPS else TimeInForce)
        for profile in Realism
    }
    titles = [title for title, _ in scenes((GOLDEN / "matrix.txt").read_text(encoding="utf-8"))]
    there = [title.partition(":")[0] for title in titles]
    assert sorted(there) == sorted(wanted)


def test_every_scene_of_the_matrix_is_of_what_it_says():
    for title, lines in scenes((GOLDEN / "matrix.txt").read_text(encoding="utf-8")):
        kind, word, profile = title.partition(":")[0].split()
        placed = [line.split() for line in lines if line.startswith(("order buy", "order sell"))]
        assert placed
        for words in placed:
            named = [name for name in ("trail", "stop", "limit", "market") if name in words]
            expected = {"stop_limit": ["stop", "limit"], "trailing_stop": ["trail", "stop"]}
            assert named == expected.get(kind, [kind]), title
            assert word in words, title
            assert {"instant", "harsh"} & set(words) == {profile} - {"realistic"}, title


@pytest.mark.parametrize(
    "lines",
    [
        ["book sell A 1 @ 100", "order buy 1 limit 100"],
        ["book sell A 1 @ 100", "order buy 1 limit 100", "fill A 1 @ 101"],
        ["order buy 1 limit 100", "order rests 1", "order rests 1"],
        ["order buy 1 limit 100", "order rests 1", "depth buy 100 x 2"],
    ],
)
def test_a_wrong_blackboard_is_noticed(lines):
    with pytest.raises(AssertionError):
        check_scene(lines)
