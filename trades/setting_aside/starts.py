"""Messages that end the process: found by what was at work when it died, time and again.

An engine counts its starts in the shard's row, once a start. One that ends in good order, or has
run for a minute, sets the count back. From the third start in a row an engine is wary: it works
command by command and notes each before it begins. What was noted when three processes in a row
died, after five starts, is set aside before anything is worked.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from bengi.terms import MessageKind
from instruments.models import CorporateAction, Instrument
from trades.models import Shard
from trades.requests import Command
from trades.setting_aside.actions import new_row
from trades.setting_aside.services import (
    Failure,
    drop_ticks,
    halt_for_turn,
    set_action_aside,
    set_order_aside,
    set_request_aside,
)
from trades.setting_aside.trouble import TRIES

WARY_FROM_START = 3
DEATHS_THAT_TELL = 3
NOTHING = ""


class Watchman:
    """Counts the starts of one engine, and notes what a wary one is about to work.

    Without begin() nothing is counted or noted: an engine of a test, or of a replay.
    """

    def __init__(self, shard_id: int) -> None:
        self._shard_id = shard_id
        self._noted = NOTHING
        self._has_begun = False
        self.is_wary = False

    def begin(self, now: datetime) -> None:
        """Count a start, once; what has ended the processes before this one is set aside."""
        if not self._has_begun:
            self.is_wary = count_start(self._shard_id, now)
            self._has_begun = True

    def end(self) -> None:
        """All is well: the engine has run for a while, or ends in good order."""
        if self._has_begun:
            forgive(self._shard_id)
            self.is_wary = False

    def note(self, commands: Sequence[Command]) -> None:
        """Note the command that is about to be worked, or that there is none, where wary."""
        if self.is_wary:
            self._note(":".join(commands[0].key) if commands else NOTHING)

    def note_action(self, action_id: UUID) -> None:
        """Note the corporate action that is about to be applied, where wary."""
        if self.is_wary:
            self._note(f"{MessageKind.CORPORATE_ACTION}:{action_id}")

    def _note(self, words: str) -> None:
        if words != self._noted:
            Shard.objects.filter(id=self._shard_id).update(at_work=words)
            self._noted = words


def count_start(shard_id: int, now: datetime) -> bool:
    """Count a start of the shard's engine and return whether it has to be wary.

    Sets aside what has ended the processes before this one.
    """
    with transaction.atomic():
        shard, _ = Shard.objects.select_for_update().get_or_create(id=shard_id)
        shard.starts += 1
        if shard.at_work != NOTHING:
            is_same = shard.at_work == shard.suspect
            shard.deaths = shard.deaths + 1 if is_same else 1
            shard.suspect, shard.at_work = shard.at_work, NOTHING
        found, tries = NOTHING, shard.starts - 1
        if shard.deaths >= DEATHS_THAT_TELL and tries >= TRIES:
            found, shard.suspect, shard.deaths = shard.suspect, NOTHING, 0
        shard.save(update_fields=["starts", "at_work", "suspect", "deaths"])
    if found != NOTHING:
        _set_aside(shard_id, found, tries, now)
    return shard.starts >= WARY_FROM_START


def forgive(shard_id: int) -> None:
    """Set the count back: the engine has run for a while, or ends in good order."""
    Shard.objects.filter(id=shard_id).update(starts=0, at_work=NOTHING, suspect=NOTHING, deaths=0)


def _set_aside(shard_id: int, found: str, tries: int, now: datetime) -> None:
    kind, _, reference = found.partition(":")
    failure = Failure("The process ended each time it was at work.", "", tries, now)
    if kind == MessageKind.TURN:
        there = Instrument.objects.filter(shard=shard_id, mic=reference)
        at_work = there.filter(orders__isnull=False, orders__closed_at__isnull=True)
        halt_for_turn(at_work, failure, now=now)
        return
    reference_id = UUID(reference)
    if kind == MessageKind.TICK:
        instrument = Instrument.objects.get(id=reference_id)
        drop_ticks(instrument, failure, {}, now=now, halts=True)
    elif kind == MessageKind.CORPORATE_ACTION:
        action = CorporateAction.objects.select_related("instrument").get(id=reference_id)
        row = new_row(action, failure, now)
        with transaction.atomic():
            set_action_aside(action, row, now=now)
    elif kind == MessageKind.ORDER:
        set_order_aside(reference_id, failure, now=now)
    else:
        set_request_aside(MessageKind(kind), reference_id, failure, now=now)
