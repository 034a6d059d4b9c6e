"""Request bodies of the API: one JSON object of limited size."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from bengi import strictjson
from bengi.errors import Malformed
from bengi.problem import BODY_BYTES_MAX, PayloadTooLarge


class StrictJSONParser(BaseParser):
    """Raises Malformed and PayloadTooLarge; an empty body is an empty object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return read_object(stream.read(BODY_BYTES_MAX + 1))


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is; see StrictJSONParser."""
    if len(body) > BODY_BYTES_MAX:
        raise PayloadTooLarge
    if not body.strip():
        return {}
    value = strictjson.loads(body)
    if not isinstance(value, dict):
        raise Malformed("malformed_json", "The body must be a JSON object.")
    return value
