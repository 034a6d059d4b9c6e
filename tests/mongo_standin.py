"""A stand-in of MongoDB for tests: its wire protocol (OP_MSG) on a port of loopback, in memory.

It knows the commands and operators that Bengi uses, unique indexes, and cursors; whatever else it
is asked for it refuses, as a server refuses what it does not know, so nothing passes by accident.
It is no server: there are no transactions, no durability and no access control, and what it makes
of a query was written by who wrote the query. Continuous integration runs the same tests against a
real one.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import bson
from bson.codec_options import CodecOptions
from bson.objectid import ObjectId

OP_MSG = 2013
WIRE_VERSION = 21
"""That of MongoDB 7.0."""
FIRST_BATCH = 101
_HEADER = struct.Struct("<iiii")
_READING = CodecOptions(tz_aware=True)

Document = dict[str, Any]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": operator.eq,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
    "$in": lambda value, wanted: value in wanted,
}


class Refused(Exception):
    """A command failed: message and MongoDB's code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Collection:
    """Documents, and the sets of fields that are unique among them."""

    def __init__(self) -> None:
        self.documents: dict[Any, Document] = {}
        self.unique: dict[str, tuple[str, ...]] = {"_id_": ("_id",)}
        self._taken: dict[tuple[str, bytes], Any] = {}

    def add_index(self, name: str, fields: tuple[str, ...]) -> None:
        """Keep fields unique from now on; refused where they are not unique already."""
        if name in self.unique:
            if self.unique[name] != fields:
                raise Refused(f"an index {name} exists with other keys", 86)
            return
        self.unique[name] = fields
        for document in self.documents.values():
            self._claim(document)

    def find(self, wanted: Mapping[str, Any]) -> list[Document]:
        """Return the documents that match; a unique key that is given whole is looked up."""
        for name, fields in self.unique.items():
            if all(field in wanted and not _is_operators(wanted[field]) for field in fields):
                owner = self._taken.get((name, _key(wanted, fields)))
                found = self.documents.get(owner)
                return [found] if found is not None and matches(found, wanted) else []
        return [each for each in self.documents.values() if matches(each, wanted)]

    def put(self, document: Document) -> None:
        """Store document at its _id. Refused with 11000 where another one has its key."""
        old = self.documents.get(document["_id"])
        if old is not None:
            self._free(old)
        try:
            self._claim(document)
        except Refused:
            if old is not None:
                self._claim(old)
            raise
        self.documents[document["_id"]] = document

    def _claim(self, document: Document) -> None:
        keys = {name: _key(document, fields) for name, fields in self.unique.items()}
        for name, key in keys.items():
            if self._taken.get((name, key), document["_id"]) != document["_id"]:
                raise Refused(f"E11000 duplicate key error index: {name}", 11000)
        self._taken |= dict.fromkeys(keys.items(), document["_id"])

    def _free(self, document: Document) -> None:
        for name, fields in self.unique.items():
            self._taken.pop((name, _key(document, fields)), None)


class MongoStandIn:
    """A server in threads. stop() and start() are an outage: port and documents stay."""

    def __init__(self) -> None:
        self.databases: dict[str, dict[str, Collection]] = {}
        self.commands: list[str] = []
        self.port = 0
        self._cursors: dict[int, list[Document]] = {}
        self._cursor_ids = itertools.count(1)
        self._reply_ids = itertools.count(1)
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Close everything and wait for the threads to end."""
        assert self._listener is not None
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_now = list(self._connections)
        for each in open_now:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def _spawn(self, run: Callable[..., None], *words: Any) -> None:
        thread = threading.Thread(target=run, args=words, daemon=True, name="mongo-standin")
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with self._lock:
                    self._connections.add(connection)
                self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                length, request_id, _, code = _HEADER.unpack(_read(connection, _HEADER.size))
                body = _read(connection, length - _HEADER.size)
                assert code == OP_MSG, f"only OP_MSG is spoken here, not {code}"
                answer = bson.encode(self._answer(_command(body)))
                head = (_HEADER.size + 5 + len(answer), next(self._reply_ids), request_id, OP_MSG)
                connection.sendall(_HEADER.pack(*head) + b"\0\0\0\0\0" + answer)
        with self._lock:
            self._connections.discard(connection)

    def _answer(self, command: Document) -> Document:
        name = next(iter(command))
        run = getattr(self, f"_do_{name.lower()}", None)
        try:
            if run is None:
                raise Refused(f"no such command: '{name}'", 59)
            with self._lock:
                self.commands.append(name)
                told: Document = run(command)
        except Refused as error:
            return {"ok": 0.0, "errmsg": str(error), "code": error.code}
        return {"ok": 1.0, **told}

    def _collection(self, command: Document) -> Collection:
        collections = self.databases.setdefault(command["$db"], {})
        return collections.setdefault(next(iter(command.values())), Collection())

    def _do_hello(self, _: Document) -> Document:
        return {
            "helloOk": True,
            "isWritablePrimary": True,
            "ismaster": True,
            "maxBsonObjectSize": 16 * 1024 * 1024,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "localTime": datetime.now(UTC),
            "minWireVersion": 0,
            "maxWireVersion": WIRE_VERSION,
            "readOnly": False,
        }

    _do_ismaster = _do_hello

    def _do_ping(self, _: Document) -> Document:
        return {}

    _do_endsessions = _do_ping

    def _do_dropdatabase(self, command: Document) -> Document:
        self.databases.pop(command["$db"], None)
        return {}

    def _do_createindexes(self, command: Document) -> Document:
        for index in command["indexes"]:
            if index.get("unique"):
                self._collection(command).add_index(index["name"], tuple(index["key"]))
        return {}

    def _do_update(self, command: Document) -> Document:
        collection = self._collection(command)
        upserted: list[Document] = []

        def update(statement: Document) -> int:
            wanted, found = statement["q"], collection.find(statement["q"])
            if statement.get("multi"):
                raise Refused("one at a time", 2)
            if found:
                collection.put(_changed(found[0], statement["u"], is_new=False))
                return 1
            if not statement.get("upsert"):
                return 0
            document = {"_id": ObjectId(), **{k: v for k, v in wanted.items() if k[0] != "$"}}
            collection.put(_changed(document, statement["u"], is_new=True))
            upserted.append({"index": statement["index"], "_id": document["_id"]})
            return 1

        for index, statement in enumerate(command["updates"]):
            statement["index"] = index
        done, errors = _each(command, update)
        told: Document = {"n": sum(done.values()), "nModified": sum(done.values()) - len(upserted)}
        return told | ({"upserted": upserted} if upserted else {}) | errors

    def _do_find(self, command: Document) -> Document:
        found = self._collection(command).find(command.get("filter", {}))
        for field, direction in reversed(command.get("sort", {}).items()):
            found.sort(key=operator.itemgetter(field), reverse=direction < 0)
        found = found[: command.get("limit") or None]
        hidden = {name for name, shown in command.get("projection", {}).items() if not shown}
        shown = [{k: v for k, v in each.items() if k not in hidden} for each in found]
        cursor_id = next(self._cursor_ids)
        self._cursors[cursor_id] = shown
        batch = self._batch(cursor_id, command.get("batchSize", FIRST_BATCH))
        return self._told(command["$db"], command["find"], cursor_id, firstBatch=batch)

    def _do_getmore(self, command: Document) -> Document:
        cursor_id = command["getMore"]
        if cursor_id not in self._cursors:
            raise Refused(f"cursor id {cursor_id} not found", 43)
        batch = self._batch(cursor_id, command.get("batchSize") or len(self._cursors[cursor_id]))
        return self._told(command["$db"], command["collection"], cursor_id, nextBatch=batch)

    def _do_killcursors(self, command: Document) -> Document:
        for cursor_id in command["cursors"]:
            self._cursors.pop(cursor_id, None)
        return {"cursorsKilled": command["cursors"]}

    def _batch(self, cursor_id: int, size: int) -> list[Document]:
        batch, left = self._cursors[cursor_id][:size], self._cursors.pop(cursor_id)[size:]
        if left:
            self._cursors[cursor_id] = left
        return batch

    def _told(self, database: str, name: str, cursor_id: int, **batch: Any) -> Document:
        still = bson.Int64(cursor_id if cursor_id in self._cursors else 0)
        return {"cursor": {"id": still, "ns": f"{database}.{name}", **batch}}


def matches(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a document has the values, or fulfills the operators, of a filter."""
    return all(_fulfills(document.get(name), value) for name, value in wanted.items())


def _fulfills(value: Any, wanted: Any) -> bool:
    if not _is_operators(wanted):
        return bool(value == wanted)
    for name in wanted:
        if name not in OPERATORS:
            raise Refused(f"unknown operator: {name}", 2)
    return value is not None and all(OPERATORS[name](value, wanted[name]) for name in wanted)


def _is_operators(wanted: Any) -> bool:
    return isinstance(wanted, Mapping) and any(name[:1] == "$" for name in wanted)


def _changed(document: Document, change: Any, *, is_new: bool) -> Document:
    if not isinstance(change, Mapping):
        raise Refused("no pipelines here", 2)
    if not any(name[:1] == "$" for name in change):
        return {"_id": document["_id"], **change}
    if unknown := set(change) - {"$set", "$setOnInsert"}:
        raise Refused(f"Unknown modifier: {unknown}", 9)
    once = change.get("$setOnInsert", {}) if is_new else {}
    return {**document, **change.get("$set", {}), **once}


def _each(command: Document, update: Callable[[Document], int]) -> tuple[dict[int, int], Document]:
    """Make each update; return what each did, and the errors, the first of them if ordered."""
    done: dict[int, int] = {}
    errors: list[Document] = []
    for index, statement in enumerate(command["updates"]):
        try:
            done[index] = update(statement)
        except Refused as error:
            errors.append({"index": index, "code": error.code, "errmsg": str(error)})
            if command.get("ordered", True):
                break
    return done, {"writeErrors": errors} if errors else {}


def _key(document: Mapping[str, Any], fields: Sequence[str]) -> bytes:
    return bson.encode({field: document.get(field) for field in fields})


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _command(body: bytes) -> Document:
    """Return the command of an OP_MSG, its document sequences put in their places."""
    at, command, more = 4, {}, {}
    while at < len(body):
        kind, at = body[at], at + 1
        (size,) = struct.unpack_from("<i", body, at)
        if kind == 0:
            command = bson.decode(body[at : at + size], _READING)
        else:
            ends = body.index(b"\0", at + 4)
            name = body[at + 4 : ends].decode()
            more[name] = list(_documents(body[ends + 1 : at + size]))
        at += size
    return command | more


def _documents(data: bytes) -> Iterator[Document]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<i", data, at)
        yield bson.decode(data[at : at + size], _READING)
        at += size
