"""`manage.py halt SYMBOL --reason WHY`: nobody trades an instrument for now."""

from bengi.management.halting import StatusCommand
from bengi.terms import InstrumentStatus


class Command(StatusCommand):
    help = "Halt an instrument: nobody may order it, and nothing of it fills."
    status = InstrumentStatus.HALTED
    done = "is halted"
