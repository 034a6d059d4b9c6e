"""The event log: one stream per account and per instrument, dense seq, each event chained by hash.

The log knows nothing of what it carries: a stream's id is a plain UUID, a payload is JSON.
"""

from django.db import models

from bengi.ids import new_id


class Stream(models.Model):
    """The head of one stream: seq and hash of its newest event."""

    id = models.UUIDField(primary_key=True, editable=False)
    seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"{self.id} at {self.seq}"


class Event(models.Model):
    """One thing that happened, for ever. hash covers the event and the hash before it.

    subject is the id of the one row it tells of, where there is one, so that its story is found
    without reading the whole stream.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stream = models.ForeignKey(
        Stream,
        on_delete=models.PROTECT,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    seq = models.BigIntegerField()
    type = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField(default=1)
    payload = models.JSONField()
    occurred_at = models.DateTimeField()
    subject = models.UUIDField(null=True, editable=False)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["stream", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="event_seq_once_per_stream")
        ]
        indexes = [
            models.Index(
                fields=["subject", "seq"],
                condition=models.Q(subject__isnull=False),
                name="events_of_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq}"


class ArchivedStream(models.Model):
    """How far a stream has been copied into the archive: seq of the newest event there."""

    stream = models.OneToOneField(
        Stream, primary_key=True, on_delete=models.PROTECT, related_name="archived"
    )
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.stream_id} archived to {self.seq}"
