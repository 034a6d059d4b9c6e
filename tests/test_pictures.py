"""Pictures in documents: every link leads to a file, and the files are those that a run draws."""

import re
from pathlib import Path

import pytest

from tests.browser import pictures

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
LINKS = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def linked(text: str, folder: Path) -> set[Path]:
    """Return the pictures that a document in folder shows."""
    found = (one or other for one, other in LINKS.findall(text))
    return {(folder / name).resolve() for name in found if "://" not in name}


def test_links_are_found():
    text = (
        '![a](x.png) <source srcset="y.png"><img src="docs/z.png" alt=""> ![b](https://b.c/d.png)'
    )
    names = {path.relative_to(ROOT).as_posix() for path in linked(text, ROOT)}
    assert names == {"x.png", "y.png", "docs/z.png"}


def test_every_picture_in_a_document_is_there():
    shown = {path for each in DOCUMENTS for path in linked(each.read_text(), each.parent)}
    assert shown
    assert [path for path in shown if not path.is_file()] == []


def test_the_pictures_are_those_that_a_run_draws_and_all_are_shown():
    folder = ROOT / pictures.FOLDER
    assert {path.name for path in folder.iterdir()} == pictures.names()
    shown = {path for each in DOCUMENTS for path in linked(each.read_text(), each.parent)}
    assert {path for path in folder.iterdir() if path not in shown} == set()


@pytest.mark.parametrize("name", sorted(pictures.names()))
def test_a_picture_is_as_a_run_draws_it(name: str):
    assert pictures.faults(ROOT / pictures.FOLDER / name) == []
