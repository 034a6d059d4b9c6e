"""The one WebSocket, /ws: who is it, which topics may they have, from where do they go on.

A socket has one reader (the messages, one after the other) and three writers: prices, which skip
what is old; events, which skip nothing; and the watch on its session. What is sent of an account
is read from its log, so that every seq arrives once, in order, however many hints were lost.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http.request import split_domain_port, validate_host

from accounts.models import Account
from bengi import clock
from bengi.credentials import Credential, of_session, of_token, still_good, token_in
from bengi.errors import BengiError, Malformed
from bengi.events.models import Event, Stream
from bengi.events.selectors import Mark, events_after_each
from bengi.realtime import protocol
from bengi.realtime.hub import Feed, Hub, Readers, hub_of_loop
from bengi.realtime.protocol import Allowance, Topics
from bengi.realtime.stats import counts
from instruments.calendar import MICS
from instruments.quotes import Tick
from instruments.selectors import halted_instruments, instruments_by_symbol, latest_quotes
from instruments.serializers import market_shape
from orders.book_quotes import book_quotes

logger = logging.getLogger(__name__)

_halted: list[Mapping[str, Any]] = []
MESSAGES_PER_S = 50
REFUSED_MAX = 50
"""Messages over the rate, in a row, after which the socket is closed."""
MISTAKES_MAX = 20
"""Messages that cannot be read, in a row, after which the socket is closed."""
REPLAY_BATCH = 200
AUTH_WAIT_S = 5.0
"""So long a socket that came with nothing may take to send AUTH."""


class Found(NamedTuple):
    """Which of the wanted topics there are, for this user."""

    prices: dict[str, Tick | None]
    """symbol -> its newest tick, None where nobody has quoted it yet"""
    heads: dict[UUID, int]
    """stream (of an account, or the user's own) -> seq of its newest event"""


class StreamConsumer(AsyncWebsocketConsumer):
    """One socket. docs/stream.md describes the protocol."""

    channel_layer_alias = "none"  # there is no channel layer (docs/adr/0030)
    hub: Hub
    feed: Feed
    who: Credential | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._end()

    async def connect(self) -> None:
        if not is_same_site(self.scope):
            await self.close()
            return
        await self.accept()
        self._begin()
        who = of_session(self.scope)
        token = token_in(self.scope)
        if token is not None:
            await self._auth(token)
        elif who is not None:
            self._join(who)
        elif settings.SESSION_COOKIE_NAME in self.scope["cookies"]:
            await self._hang_up(protocol.CLOSE_NOT_SIGNED_IN)
        else:
            self._tasks.append(self._loop.create_task(self._wait_for_auth()))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        counts.messages_received += 1
        if not self._is_open or not await self._is_allowed(text_data or ""):
            return
        try:
            if text_data is None:
                raise Malformed("malformed_json", "Send text frames.")
            await self._handle(protocol.decode(text_data))
            self._mistakes = 0
        except Malformed as error:
            await self._mistake(error)
        except (OperationalError, InterfaceError):
            logger.exception("the socket cannot read the database")
            await self._hang_up(protocol.CLOSE_TRY_LATER)

    # -- messages ----------------------------------------------------------------------------

    async def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "AUTH":
            await self._auth(message.get("token"))
        elif self.who is None:
            await self._hang_up(protocol.CLOSE_NOT_SIGNED_IN)
        else:
            await self._answer(message)

    async def _auth(self, token: Any) -> None:
        """Let in whose token it is; who is in already goes on with a newer one of their own."""
        try:
            who = await of_token(token if isinstance(token, str) else "")
        except BengiError as error:
            await self._say(protocol.error("not_authenticated", error.detail))
            await self._hang_up(protocol.CLOSE_NOT_SIGNED_IN)
            return
        if self.who is None:
            self._join(who)
        elif who.user_id == self.who.user_id:
            self.who = self.feed.credential = who
        else:
            await self._say(protocol.error("forbidden", "This socket is somebody else's."))
            return
        await self._say({"type": "AUTHENTICATED"})

    async def _answer(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "SUBSCRIBE":
                await self._subscribe(protocol.topics_in(message))
            case "UNSUBSCRIBE":
                await self._unsubscribe(protocol.topics_in(message))
            case "RESUME":
                await self._resume(message.get("topic"), message.get("after"))
            case "PING":
                now = protocol.moment(clock.now())
                await self._say({"type": "PONG", "id": message.get("id"), "now": now})
            case _:
                raise Malformed("unknown_type", "There is no such type of message.")

    async def _subscribe(self, topics: Topics) -> None:
        """Answer with what there is, then the newest prices, then whatever comes."""
        if self._count_with(topics) > protocol.TOPICS_MAX:
            most = f"A socket may have {protocol.TOPICS_MAX} topics."
            await self._say(protocol.error("too_many_topics", most))
            return
        async with self._writing_prices:
            symbols = set(topics.symbols.values()) - self.feed.symbols
            self.hub.watch(self.feed, symbols)
            found = await _find(self._user_id, topics)
            self.hub.unwatch(self.feed, symbols - found.prices.keys())
            await self._say_subscribed(topics, found)
            await self._say_snapshot(found)
        if topics.markets:
            await self.hub.watch_markets(self.feed)

    async def _say_subscribed(self, topics: Topics, found: Found) -> None:
        heads = {key: self.feed.seqs.get(key, head) for key, head in found.heads.items()}
        told: list[dict[str, Any]] = [
            {"topic": t} for t, symbol in topics.symbols.items() if symbol in found.prices
        ]
        told += [{"topic": topic} for topic in topics.markets]
        told += [{"topic": t, "seq": heads[k]} for t, k in topics.streams.items() if k in heads]
        if told:
            await self._say({"type": "SUBSCRIBED", "topics": told})
        for stream_id, head in heads.items():
            self.hub.follow(self.feed, stream_id)
            self.feed.seqs.setdefault(stream_id, head)
            self.feed.hint(stream_id)
        known = {each["topic"] for each in told}
        for topic in (*topics.symbols, *topics.streams, *topics.unknown):
            if topic not in known:
                await self._say(protocol.error("unknown_topic", "No such topic.", topic))

    async def _say_snapshot(self, found: Found) -> None:
        """Send what the hub has heard since, where it has, and what was read from the tables."""
        if not found.prices:
            return
        prices = [
            self.hub.newest.get(symbol) or protocol.encode(protocol.price(tick))
            for symbol, tick in found.prices.items()
            if tick is not None
        ]
        await self._say_text(protocol.price_frame(prices))

    async def _unsubscribe(self, topics: Topics) -> None:
        self.hub.unwatch(self.feed, topics.symbols.values())
        for stream_id in topics.streams.values():
            self.hub.unfollow(self.feed, stream_id)
        if topics.markets:
            self.hub.unwatch_markets(self.feed)
        names = (*topics.symbols, *topics.streams, *topics.markets)
        told = [{"topic": topic} for topic in names]
        await self._say({"type": "UNSUBSCRIBED", "topics": told})

    async def _resume(self, topic: Any, after: Any) -> None:
        """Go on after a seq that the client has: everything later is sent again, in order."""
        topics = protocol.sort_topics([topic] if isinstance(topic, str) else [])
        found = await _find(self._user_id, topics)
        if not found.heads:
            await self._say(protocol.error("unknown_topic", "No such topic.", str(topic)))
            return
        ((stream_id, head),) = found.heads.items()
        if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after <= head:
            wanted = f"Send after as a number from 0 to {head}."
            await self._say(protocol.error("bad_seq", wanted, topic))
        elif head - after > protocol.REPLAY_MAX:
            counts.resyncs += 1
            far = f"More than {protocol.REPLAY_MAX} events behind: load a snapshot and subscribe."
            await self._say(protocol.error("resync_required", far, topic))
        elif self._count_with(topics) > protocol.TOPICS_MAX:
            await self._say(protocol.error("too_many_topics", "Too many topics.", topic))
        else:
            await self._rewind(topic, stream_id, after)

    async def _rewind(self, topic: str, stream_id: UUID, after: int) -> None:
        counts.resumes += 1
        async with self._writing_events:
            await self._say({"type": "SUBSCRIBED", "topics": [{"topic": topic, "seq": after}]})
            self.hub.follow(self.feed, stream_id)
            self.feed.seqs[stream_id] = after
            self.feed.hint(stream_id)

    def _count_with(self, topics: Topics) -> int:
        symbols = self.feed.symbols | set(topics.symbols.values())
        markets = bool(topics.markets) or self.hub.watches_markets(self.feed)
        return len(symbols) + markets + len(self.feed.seqs.keys() | set(topics.streams.values()))

    # -- limits ------------------------------------------------------------------------------

    async def _is_allowed(self, text: str) -> bool:
        if len(text.encode("utf-8", "surrogatepass")) > protocol.MESSAGE_BYTES_MAX:
            await self._hang_up(protocol.CLOSE_TOO_BIG)
            return False
        if self._allowance.take(self._loop.time()):
            self._refused = 0
            return True
        self._refused += 1
        if self._refused == 1:
            most = f"Send at most {MESSAGES_PER_S} messages a second; this one was not read."
            await self._say(protocol.error("rate_limited", most))
        if self._refused > REFUSED_MAX:
            await self._hang_up(protocol.CLOSE_RATE)
        return False

    async def _mistake(self, error: Malformed) -> None:
        known = "unknown_type" if error.code == "unknown_type" else "malformed_json"
        await self._say(protocol.error(known, error.detail))
        self._mistakes += 1
        if self._mistakes > MISTAKES_MAX:
            await self._hang_up(protocol.CLOSE_PROTOCOL)

    # -- writers -----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(MESSAGES_PER_S, MESSAGES_PER_S, self._loop.time())
        self._refused = 0
        self._mistakes = 0
        self._writing_prices = asyncio.Lock()
        self._writing_events = asyncio.Lock()
        self._is_open = True
        counts.opened += 1

    def _join(self, who: Credential) -> None:
        self.who = who
        self.hub = hub_of_loop(_READERS)
        self.feed = self.hub.join(who)
        writers = (self._write_prices(), self._write_events(), self._watch_session())
        self._tasks += [self._loop.create_task(writer) for writer in writers]

    @property
    def _user_id(self) -> UUID:
        assert self.who is not None, "who is nobody is answered nothing"
        return self.who.user_id

    async def _wait_for_auth(self) -> None:
        await asyncio.sleep(AUTH_WAIT_S)
        if self.who is None:
            await self._hang_up(protocol.CLOSE_NOT_SIGNED_IN)

    async def _end(self) -> None:
        """Stop the writers and leave the hub, however the socket came to its end."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.who is not None:
            await self.hub.leave(self.feed)

    async def _write_prices(self) -> None:
        while True:
            await self.feed.prices_due.wait()
            async with self._writing_prices:
                markets, prices = self.feed.take_markets(), self.feed.take_prices()
                if markets:
                    await self._say_text(markets)
                if prices or not markets:
                    await self._say_text(protocol.price_frame(prices))

    async def _write_events(self) -> None:
        while True:
            await self.feed.events_due.wait()
            try:
                for stream_id in self.feed.take_hints():
                    await self._catch_up(stream_id)
            except (OperationalError, InterfaceError):
                logger.exception("the socket cannot read the log")
                await self._hang_up(protocol.CLOSE_TRY_LATER)

    async def _catch_up(self, stream_id: UUID) -> None:
        """Send what the log holds after the last seq sent, to its end."""
        is_own = stream_id == self._user_id
        message = protocol.user_message if is_own else protocol.account_message
        more = True
        while more:
            async with self._writing_events:
                after = self.feed.seqs.get(stream_id)
                if after is None:
                    return
                events = await self.hub.log.after(stream_id, after)
                for event in events:
                    await self._say(message(stream_id, event))
                    self.feed.seqs[stream_id] = event.seq
                more = len(events) == REPLAY_BATCH

    async def _watch_session(self) -> None:
        await self.feed.signed_out.wait()
        await self._hang_up(protocol.CLOSE_NOT_SIGNED_IN)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._say_text(protocol.encode(message))

    async def _say_text(self, text: str) -> None:
        if not self._is_open:
            return
        counts.sent(text)
        if self.who is None:
            await self.base_send({"type": "websocket.send", "text": text})
            return
        feed = self.feed
        if not feed.sending:
            feed.sent_s = self._loop.time()
        feed.sending += 1
        await self.base_send({"type": "websocket.send", "text": text})
        feed.sending -= 1

    async def _hang_up(self, code: int) -> None:
        """Close once; what comes after is not read and nothing more is sent."""
        if self._is_open:
            self._is_open = False
            counts.closed[code] += 1
            await self.close(code=code)


class NoSuchSocket(AsyncWebsocketConsumer):
    """Any other address: the handshake is refused."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.close()


def is_same_site(scope: Any) -> bool:
    """Return whether a page of this very site, one that is allowed, or no page opens the socket.

    Where pages open it at another port than theirs (BENGI_STREAM_URL), ports do not count: they
    share the session's cookie anyway. Browsers always send Origin, so a script of another site
    cannot ride on the session cookie; a program that sends none has no cookie of somebody else.
    """
    headers = dict(scope["headers"])
    if b"origin" not in headers:
        return True
    origin = headers[b"origin"].decode("latin1").lower()
    host = headers.get(b"host", b"").decode("latin1").lower()
    if origin in {*settings.CSRF_TRUSTED_ORIGINS, *settings.STREAM_ORIGINS}:
        return True
    domain, _ = split_domain_port(host)
    if not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    theirs = _netloc(origin)
    if settings.BENGI_STREAM_URL:
        return split_domain_port(theirs)[0] == domain
    return theirs == host


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


@database_sync_to_async
def _find(user_id: UUID, topics: Topics) -> Found:
    wanted = list(topics.accounts.values())
    own = Account.objects.filter(id__in=wanted, user_id=user_id).values_list("id", flat=True)
    streams = [*own, *(key for key in topics.users.values() if key == user_id)]
    return Found(prices=_prices_now(list(topics.symbols.values())), heads=_heads(streams))


@database_sync_to_async
def _read_quotes(symbols: list[str]) -> list[Tick]:
    return list(latest_quotes(symbols).values())


def _prices_now(symbols: Sequence[str]) -> dict[str, Tick | None]:
    listed = instruments_by_symbol(symbols).values()
    now = clock.now()
    ticks = latest_quotes(listed, now) | book_quotes(listed, now)
    return {instrument.symbol: ticks.get(instrument.symbol) for instrument in listed}


def _heads(stream_ids: Sequence[UUID]) -> dict[UUID, int]:
    heads = dict(Stream.objects.filter(id__in=stream_ids).values_list("id", "seq"))
    return {stream_id: heads.get(stream_id, 0) for stream_id in stream_ids}


_read_heads = database_sync_to_async(_heads)


@database_sync_to_async
def _read_markets() -> str:
    """Return what the exchanges do, by their calendar in memory, and what is halted: one query.

    While the database is away the exchanges are told, with the halts read last.
    """
    now = clock.now()
    markets = [market_shape(mic, now, settings.MARKET_HOURS) for mic in MICS]
    with contextlib.suppress(OperationalError, InterfaceError):
        _halted[:] = halted_instruments().values("symbol", "mic")
    return protocol.market_frame(markets, _halted)


@database_sync_to_async
def _read_events(marks: Collection[Mark]) -> dict[Mark, list[Event]]:
    return events_after_each(marks, REPLAY_BATCH)


_READERS = Readers(_read_heads, still_good, _read_markets, _read_quotes, _read_events)
