import pytest

from instruments.board import board


@pytest.fixture(autouse=True)
def empty_board():
    board.clear()
    yield
    board.clear()
