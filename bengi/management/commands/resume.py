"""`manage.py resume SYMBOL --reason WHY`: a halted instrument trades again."""

from bengi.management.halting import StatusCommand
from bengi.terms import InstrumentStatus


class Command(StatusCommand):
    help = "Let a halted instrument trade again."
    status = InstrumentStatus.ACTIVE
    done = "is trading again"
