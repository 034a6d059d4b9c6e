"""Start a mode in which one sort of process has a bug, which only a kill can show.

python -m tests.labs.matrix.planted BUG standard|scale ...     the supervisor, as scripts/supervisor
python -m tests.labs.matrix.planted BUG --process COMMAND...   one process of it, with the bug
"""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from scripts.supervisor import __main__ as supervisor
from scripts.supervisor import processes
from scripts.supervisor.processes import Process
from tests.state.planted import Bug, plant

RELAY_FIRST = Bug(
    "a relay moves on before brokers have acknowledged",
    "bengi.events.relay",
    "Relay.turn",
    "        self._publish(in_order(events))\n"
    '        crash_point("relay.published")\n'
    "        with transaction.atomic():\n"
    "            note_published(self.holder, now)\n"
    "            move(RelayedStream, events)\n",
    "        with transaction.atomic():\n"
    "            note_published(self.holder, now)\n"
    "            move(RelayedStream, events)\n"
    "        __import__('time').sleep(0.3)\n"
    "        self._publish(in_order(events))\n",
)
NO_FENCE = Bug(
    "an engine that was overtaken goes on booking",
    "trades.engine",
    "fence",
    "if not moved:",
    "if False:",
)
PLANTED = {"no-fence": NO_FENCE, "relay-first": RELAY_FIRST}
"""Which bug a process plants in itself."""
ITSELF = "python -m tests.labs.matrix.planted {bug} --process"
WORD_OF = {"no-fence": "run_engine", "relay-first": "run_relay"}
"""A word of the command that has the bug."""


def with_bug(table: tuple[Process, ...], bug: str) -> tuple[Process, ...]:
    """Return the table of processes with the bug in those that it is of."""
    begins, itself = "python manage.py", ITSELF.format(bug=bug)
    return tuple(
        replace(each, command=each.command.replace(begins, itself))
        if WORD_OF[bug] in each.command
        else each
        for each in table
    )


def main(bug: str, words: list[str]) -> int:
    if words[0] == "--process":
        import django
        from django.core.management import execute_from_command_line

        django.setup()
        plant(PLANTED[bug], pytest.MonkeyPatch())
        execute_from_command_line(["manage.py", *words[1:]])
        return 0
    processes.TABLE = with_bug(processes.TABLE, bug)
    return supervisor.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
