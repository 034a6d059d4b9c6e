"""The pictures of the documents: their names, their sizes, and what a drawn one must be like."""

from __future__ import annotations

from pathlib import Path

from tests.browser import meters

FOLDER = Path("docs/screenshots")
THEMES = ("dark", "light")
SIZES = {
    "trade": (1440, 900),
    "portfolio": (1440, 1080),
    "order": (1440, 1080),
    "phone": (390, 844),
}
"""Width and height in pixels."""
BYTES_MAX = 250_000
VARIETY_LEAST = 0.015
"""Bytes a pixel and colour that a page with something on it takes; a bare one takes a fifth."""


def names() -> set[str]:
    """Return the names of all files that a run draws."""
    return {f"{name}-{theme}.png" for name in SIZES for theme in THEMES}


def faults(picture: Path) -> list[str]:
    """Return what is wrong with a picture: its size in pixels, its weight, nothing on it."""
    png = picture.read_bytes()
    size, wanted = meters.size_of(png), SIZES[picture.name.partition("-")[0]]
    found = []
    if size != wanted:
        found.append(f"{picture.name} has {size} pixels, not {wanted}")
    if len(png) > BYTES_MAX:
        found.append(f"{picture.name} has {len(png)} bytes")
    if len(png) < VARIETY_LEAST * 3 * size[0] * size[1]:
        found.append(f"{picture.name} is blank")
    return found
