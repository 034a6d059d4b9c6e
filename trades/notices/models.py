"""How far somebody has read of what happened to them."""

from django.db import models

from bengi.events.models import Stream, StreamPosition


class ReadStream(StreamPosition):
    """How far the owner of a stream has read it: what is newer is unread."""

    stream = models.OneToOneField(
        Stream, primary_key=True, on_delete=models.PROTECT, related_name="read"
    )
