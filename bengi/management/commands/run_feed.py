"""`manage.py run_feed`: the market's prices, and the alerts that wait for them, in one process."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi import clock
from bengi.leases.tenure import KEEP_S, Tenure
from bengi.management import feeds
from bengi.management.serving import End

FEED = "feed"


class Command(BaseCommand):
    help = (
        "Feed all processes with prices and fire price alerts. Of several one works, the others "
        "stand by."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        feeds.add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        feeds.check_options(options)
        _check_processes(options)
        end, tenure = End(), Tenure(FEED, clock.wall)
        try:
            while self._has_its_turn(tenure, end):
                self._feed(tenure, end, options)
        finally:
            tenure.release()
            self._say("Stopped.")

    def _has_its_turn(self, tenure: Tenure, end: End) -> bool:
        """Wait while another feed is at work; return False when the end comes first."""
        is_told = False
        while not end.has_come:
            if tenure.take():
                return True
            if not is_told and (other := tenure.who()):
                self._say(f"Another feed is at work ({other}); this one waits for its end.")
                is_told = True
            end.comes_within(KEEP_S)
        return False

    def _feed(self, tenure: Tenure, end: End, options: dict[str, Any]) -> None:
        """Run the market until the end, or until another feed has taken over."""
        from bengi.embedded import Market  # noqa: PLC0415 - it loads the engine

        market = Market(*feeds.source_of(options), is_its_turn=lambda: tenure.is_held)
        market.start()
        self._say(f"Prices flow ({feeds.words_for(options)}).")
        try:
            while not end.comes_within(KEEP_S):
                if not tenure.keep():
                    self._say(f"Another feed has taken over ({tenure.who()}).")
                    return
        finally:
            market.stop()

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _check_processes(options: dict[str, Any]) -> None:
    """Raise CommandError where the other processes cannot go by this feed."""
    if options["feed"] == "replay":
        raise CommandError(
            "A replay has a clock of its own, which no other process goes by: use manage.py run"
        )
    if options["feed"] in feeds.REAL_HOURS and settings.MARKET_HOURS != "exchange":
        raise CommandError(
            f"--feed {options['feed']} has real prices: set BENGI_MARKET_HOURS=exchange, for all"
            " processes"
        )
