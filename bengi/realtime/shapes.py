"""What the API answers about the stream, for its document."""

from bengi.schema.shapes import Shape


class StreamStats(Shape):
    """What the sockets of the process that answers have done since it started, and are now."""

    sockets: int
    sockets_opened: int
    price_topics: int
    event_topics: int
    slow_readers: int
    ticks: int
    prices_sent: int
    prices_conflated: int
    frames_sent: int
    bytes_sent: int
    messages_received: int
    resumes: int
    resyncs: int
    closed: dict[str, int]
