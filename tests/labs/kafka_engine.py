"""An engine of the scale-out mode, made to be killed: shards by consumer group, work by Kafka.

    LAB_KAFKA=ADDRESS LAB_PREFIX=NAME python -m tests.labs.kafka_engine SHARDS

It looks for requests by itself only every SWEEP_S, so that what is fast has come by Kafka. SIGTERM
ends it in good order. LAB_BUG=no-fence: see tests/labs/matrix/planted.py.
"""

import os
import signal
import sys
from typing import Any

import django

SWEEP_S = 5.0
SESSION_MS = 6_000 if os.environ.get("TEST_KAFKA") else 3_000
QUICK = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 100}


def set_up_kafka() -> None:
    """Let this process use the lab's brokers."""
    from django.conf import settings

    settings.BENGI_KAFKA, settings.BENGI_KAFKA_PREFIX = (
        os.environ["LAB_KAFKA"],
        os.environ["LAB_PREFIX"],
    )


def _plant(bug: str) -> None:
    if bug:
        import pytest

        from tests.labs.matrix.planted import PLANTED
        from tests.state.planted import plant

        plant(PLANTED[bug], pytest.MonkeyPatch())


def main(shards: int) -> None:
    django.setup()
    set_up_kafka()
    _plant(os.environ.get("LAB_BUG", ""))
    from django.conf import settings

    from bengi import clock
    from trades.hosting import EngineHost
    from trades.kafka_source import KafkaSource
    from trades.loop import EngineLoop
    from trades.session import SessionHours

    settings.MATCHING_SHARDS = shards
    EngineLoop.SWEEP_S = SWEEP_S
    host = EngineHost(clock.now, hours=SessionHours("always"))

    class Telling(KafkaSource):
        def assigned(self, consumer: Any, partitions: Any) -> None:
            super().assigned(consumer, partitions)
            print("works", sorted(host.shards), flush=True)

    source = Telling(host, range(shards), **QUICK)
    signal.signal(signal.SIGTERM, lambda *_: source.stop())
    source.run()
    host.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
