"""Scenes from the blackboard: the files in golden/, as blackboard.py reads them."""

from pathlib import Path

import pytest

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
