"""An admission process without HTTP: places orders at a rate, or as fast as it goes.

    python -m benchmarks.placer < job.json

Reads one Job as JSON, prints one Placed as JSON. It admits as the fast lane does: what is due by
the time the last set is committed goes into the next one, at most `most` orders. Its environment
names the books.
"""

import sys
import time

import msgspec

from benchmarks.asking import Trader, ticket


class Job(msgspec.Struct):
    """rate: orders a second, 0 for as many as it can. most: orders in one transaction; 1 goes one
    after the other."""

    name: str
    start: int
    seconds: float
    rate: float
    most: int
    traders: list[Trader]
    symbols: list[str]


class Placed(msgspec.Struct):
    """due_s: when each order, from start on, was due, by time.monotonic(), which all processes of a
    machine share. refused: why some were, with the numbers of all that were."""

    due_s: list[float]
    refused: list[int]
    example: str
    cpu_s: float
    ended_s: float


def place(job: Job) -> Placed:
    """Place what the job asks for; Django is set up."""
    from bengi import clock
    from orders.fast_lane import admit_all
    from orders.services import Placement

    told, cpu = Placed([], [], "", 0, 0), time.process_time()
    began = time.monotonic()
    while (now := time.monotonic()) - began < job.seconds:
        made = len(told.due_s)
        due = job.most if not job.rate else min(job.most, int((now - began) * job.rate) - made)
        if due <= 0:
            time.sleep(max(0.0, began + (made + 1) / job.rate - now))
            continue
        numbers = range(job.start + made, job.start + made + due)
        asked = [ticket(job.name, number, job.traders, job.symbols) for number in numbers]
        answers = admit_all(asked, now=clock.now())
        for number, answer in zip(numbers, answers, strict=True):
            of_rate = began + (number - job.start + 1) / job.rate if job.rate else now
            told.due_s.append(of_rate)
            if not isinstance(answer, Placement):
                told.refused.append(number)
                told.example = told.example or repr(answer)
    told.cpu_s, told.ended_s = time.process_time() - cpu, time.monotonic()
    return told


def main() -> None:
    import django

    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    django.setup()
    sys.stdout.buffer.write(msgspec.json.encode(place(job)))


if __name__ == "__main__":
    main()
