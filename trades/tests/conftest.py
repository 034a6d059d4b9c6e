from collections.abc import Iterator

import pytest

from trades.tests.world import World, assert_books_are_clean, open_world


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A small market; whatever a test does with it, its books must be clean at the end."""
    with open_world() as made:
        yield made
        assert_books_are_clean()
