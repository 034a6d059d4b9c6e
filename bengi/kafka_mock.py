"""A stand-in of Kafka without a broker: librdkafka's mock cluster, held by this process.

The library that confluent_kafka brings has it for its own tests (rdkafka_mock.h). Other processes
reach it over TCP as they reach a broker. It is no broker: all is in memory and gone at the end, a
partition keeps about its newest 5 MB, no topic is made or changed from outside, and transactions
are not isolated.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

PRODUCER = 0
BROKER_ID = 1
BACKLOG = 16
BUFFER = 65_536


class MockCluster:
    """One broker on a free port of loopback; brokers is its address. close() ends it."""

    def __init__(self, topics: Mapping[str, int], *, rebalance_delay_ms: int = 100) -> None:
        self._library = _library()
        conf = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(conf, b"log_level", b"0", None, 0)
        self._handle = self._library.rd_kafka_new(PRODUCER, conf, None, 0)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        assert self._cluster, "a mock cluster needs a free port of loopback"
        told = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self.brokers = ctypes.string_at(told).decode()
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(
            self._cluster, rebalance_delay_ms
        )
        for name, partitions in topics.items():
            self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)

    def away(self) -> None:
        """Close every connection and take no other, until back()."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, BROKER_ID)

    def back(self) -> None:
        """Answer again, with all that was there."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, BROKER_ID)

    def close(self) -> None:
        """End it; all that it holds is gone."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)

    def __enter__(self) -> MockCluster:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Door:
    """A port of one's own choice through which clients find a cluster whose port is not.

    Clients ask here who the brokers are, and then talk to those.
    """

    def __init__(self, host: str, port: int, brokers: str) -> None:
        self._to = _address(brokers)
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, name="kafka-door", daemon=True).start()

    def close(self) -> None:
        """Let nobody else in."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(caller,), daemon=True).start()

    def _join(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError), socket.create_connection(self._to) as broker:
            threading.Thread(target=_pump, args=(broker, caller), daemon=True).start()
            _pump(caller, broker)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for data in _received(source):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _received(source: socket.socket) -> Iterator[bytes]:
    while data := source.recv(BUFFER):
        yield data


def _address(brokers: str) -> tuple[str, int]:
    host, _, port = brokers.rpartition(":")
    return host, int(port)


def _library() -> Any:
    """Return the library that confluent_kafka has loaded, with the types of what is called."""
    from confluent_kafka import cimpl  # noqa: PLC0415

    library = ctypes.CDLL(cimpl.__file__)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    types: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (handle, []),
        "rd_kafka_conf_set": (number, [handle, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (handle, [number, handle, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [handle]),
        "rd_kafka_mock_cluster_new": (handle, [handle, number]),
        "rd_kafka_mock_cluster_destroy": (None, [handle]),
        "rd_kafka_mock_cluster_bootstraps": (handle, [handle]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [handle, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [handle, text, number, number]),
        "rd_kafka_mock_broker_set_down": (number, [handle, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (number, [handle, ctypes.c_int32]),
    }
    for name, (answer, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = answer, arguments
    return library
