"""The strict reader of JSON: what it takes, and the code of what it refuses."""

from decimal import Decimal

import pytest

from bengi import strictjson
from bengi.errors import Malformed


def test_reads_plain_json_and_keeps_decimals_exact():
    value = strictjson.loads(b'{"a": [1, 2.10, "x", true, null], "b": {"c": -3}}')
    assert value == {"a": [1, Decimal("2.10"), "x", True, None], "b": {"c": -3}}
    assert str(value["a"][1]) == "2.10"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "malformed_json"),
        (b"[" * 17 + b"]" * 17, "malformed_json"),
        (b"NaN", "malformed_json"),
        (b"[Infinity]", "malformed_json"),
        (b"-Infinity", "malformed_json"),
        (b"1" * 41, "malformed_json"),
        (b"1" * 5_000, "malformed_json"),
        (b"0." + b"1" * 5_000, "malformed_json"),
        (b"1e" + b"9" * 50, "malformed_json"),
        (b"01", "malformed_json"),
        (b"'a'", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b'"a\\u0000b"', "malformed_json"),
        (b'{"a\\u0000": 1}', "malformed_json"),
        (b'"\\ud800"', "malformed_json"),
        (b'{"\\udfff": 1}', "malformed_json"),
        (b'[["deep \\udc00"]]', "malformed_json"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'[{"b": {"a": 1, "a": 2}}]', "duplicate_key"),
    ],
)
def test_refuses(text, code):
    with pytest.raises(Malformed) as refusal:
        strictjson.loads(text)
    assert refusal.value.code == code
    assert refusal.value.status == 400


def test_takes_what_only_looks_odd():
    assert strictjson.loads("[" * 16 + "]" * 16)
    assert strictjson.loads('"\\ud83d\\ude00"') == "\U0001f600"
    assert strictjson.loads("1" * 40) == int("1" * 40)
