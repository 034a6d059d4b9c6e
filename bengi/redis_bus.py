"""The bus between processes, over the pub/sub of Redis.

Whoever listens in the publisher's process is called at once, as with the memory bus; the others get
the message from Redis, in one thread of their process, which begins with its first subscription.
Pub/sub keeps nothing: what is published while somebody is away is lost to them, and that is all
that a lost Redis costs here. A publisher waits for it ANSWER_S at most, once in PAUSE_S.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

from bengi.bus import MISSED, TOPICS, Callback, MemoryBus, shape_of
from bengi.line import PAUSE_S, Line

log = logging.getLogger(__name__)

ANSWER_S = 0.2
"""How long a publisher waits for a connection, and then for an answer."""
FRAME_S = 2.0
"""The same for the listener, whom nobody waits for."""
SILENCE_S = 1.0
"""After so much silence the listener asks whether Redis is there; after twice that it is not."""
AGAIN_S, AGAIN_S_MAX = 0.1, 2.0
"""How soon the listener connects again, and how late at most."""
_ORIGIN_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


class RedisBus:
    """Deliver at once within this process, and soon to every other process of one Redis database.

    A frame is the publisher's mark, by which it knows its own, then the messages in msgpack.
    """

    def __init__(self, url: str) -> None:
        self.is_deaf = True
        self._local = MemoryBus()
        self._origin = uuid4().bytes
        # A connection that Redis has closed meanwhile is no reason not to send.
        self._speaker = _client(url, ANSWER_S, retries=1)
        self._listener = _client(url, FRAME_S, retries=0)
        # Databases of one Redis share its pub/sub.
        database = self._speaker.connection_pool.connection_kwargs.get("db") or 0
        self._prefix = f"bengi:{database}:"
        self._topics = {(self._prefix + topic).encode(): topic for topic in TOPICS}
        self._line = Line(log, "the bus is in this process alone", PAUSE_S, PAUSE_S)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def publish(self, topic: str, message: Any) -> None:
        self.publish_all(topic, [message])

    def publish_all(self, topic: str, messages: Iterable[Any]) -> None:
        self.publish_together({topic: list(messages)})

    def publish_together(self, messages: Mapping[str, Collection[Any]]) -> None:
        self._local.publish_together(messages)
        frames = [
            (self._prefix + topic, self._origin + _encode(each))
            for topic, each in messages.items()
            if each
        ]
        if frames:
            self._line.ask(lambda: self._send(frames), None)

    def _send(self, frames: Sequence[tuple[str, bytes]]) -> None:
        if len(frames) == 1:
            self._speaker.publish(*frames[0])
            return
        with self._speaker.pipeline(transaction=False) as waiting:
            for frame in frames:
                waiting.publish(*frame)
            waiting.execute()

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        end = self._local.subscribe(topic, callback)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="bus", daemon=True)
                self._thread.start()
        return end

    def close(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(2 * SILENCE_S)
        self._speaker.close()
        self._listener.close()

    # -- in the listening thread -----------------------------------------------------------

    def _listen(self) -> None:
        """Listen until closed, and connect again whenever the connection breaks."""
        again_s = AGAIN_S
        while not self._stopped.is_set():
            try:
                with self._listener.pubsub() as pubsub:
                    self._hear(pubsub)
            except (RedisError, OSError) as error:
                again_s = AGAIN_S if not self.is_deaf else min(2 * again_s, AGAIN_S_MAX)
                self.is_deaf = True
                self._line.broke(error)
                self._stopped.wait(again_s)

    def _hear(self, pubsub: PubSub) -> None:
        pubsub.subscribe(*self._topics)
        is_asked = False
        while not self._stopped.is_set():
            frame = pubsub.get_message(timeout=SILENCE_S)
            if frame is not None:
                is_asked = False
                self._take(frame)
            elif is_asked:
                raise Disconnected("Redis has fallen silent")
            else:
                pubsub.ping()
                is_asked = True

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            self._deliver(self._topics[frame["channel"]], frame["data"])
        elif frame["type"] == "subscribe" and frame["data"] == len(self._topics):
            self.is_deaf = False
            self._line.holds()
            self._call(MISSED, None)

    def _deliver(self, topic: str, data: bytes) -> None:
        if data[:_ORIGIN_BYTES] == self._origin or not self._local.is_heard(topic):
            return
        try:
            messages = _decoder(topic).decode(data[_ORIGIN_BYTES:])
        except msgspec.MsgspecError as error:  # of another version of Bengi
            log.warning("a message about %s cannot be read and is left out: %s", topic, error)
            return
        for message in messages:
            self._call(topic, message)

    def _call(self, topic: str, message: Any) -> None:
        try:
            self._local.publish(topic, message)
        except Exception:  # an edge of the process: one listener's fault must not deafen the others
            log.exception("a message about %s was not taken well", topic)


def _client(url: str, timeout_s: float, *, retries: int) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), retries, (Disconnected,)),
    )


_decoders: dict[str, "msgspec.msgpack.Decoder[list[Any]]"] = {}


def _decoder(topic: str) -> "msgspec.msgpack.Decoder[list[Any]]":
    if topic not in _decoders:
        _decoders[topic] = msgspec.msgpack.Decoder(list[shape_of(topic)])  # type: ignore[misc]
    return _decoders[topic]
