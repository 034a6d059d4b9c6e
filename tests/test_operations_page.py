"""docs/operations.md is compared with the table of processes."""

import re
from pathlib import Path

from scripts.supervisor.processes import MODES, SCALE, STANDARD, processes

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "operations.md").read_text()
IN_WORDS = {(STANDARD, SCALE): "both", (STANDARD,): "standard", (SCALE,): "scale-out"}


def rows() -> dict[str, tuple[str, str]]:
    """Return (mode, command) by name, of the page's table of processes."""
    table = PAGE[PAGE.index("| Process | Mode |") : PAGE.index("Two of what should be one")]
    found = {}
    for line in table.splitlines()[2:]:
        if line.strip():
            name, mode, _, _, command = (cell.strip() for cell in line.strip("|").split("|"))
            for each in name.split(", "):
                found[each] = (mode, command.strip("`"))
    return found


def test_the_page_tells_of_every_process_and_of_no_other() -> None:
    told = rows()
    there = {}
    for mode in MODES:
        for process in processes(mode, 2):
            there[re.sub(r"^engine-\d$", "engine", process.name)] = process
    assert set(told) == set(there)
    for name, process in there.items():
        mode, command = told[name]
        assert mode == IN_WORDS[process.modes], name
        beginning = command.removesuffix(" ...").replace("matching.0", f"matching.{name[-1]}")
        assert process.command.startswith(beginning), name
        assert command.endswith(" ...") or process.command == command, name
