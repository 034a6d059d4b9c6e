"""What our tests rely on of a MongoDB, whichever it is; and that the stand-in refuses the rest."""

import pytest
from bson import Int64
from pymongo import MongoClient, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure

from tests.mongo_standin import MongoStandIn
from tests.realparts import _with_database


@pytest.fixture
def things(mongodb_uri):
    with MongoClient(mongodb_uri) as client:
        things = client.get_default_database()["things"]
        things.create_index([("a", 1), ("b", -1)], unique=True, name="once")
        things.create_index([("a", 1), ("b", -1)], unique=True, name="once")
        yield things


def put(things, *documents, ordered=False):
    writes = [
        ReplaceOne({k: v for k, v in each.items() if k != "c"}, each, True) for each in documents
    ]
    return things.bulk_write(writes, ordered=ordered)


def found(things, *words):
    return [(each["a"], each["b"], each.get("c")) for each in things.find(*words)]


def test_upserts_insert_once_and_replace_after_that(things):
    first = put(things, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 1})
    assert (first.upserted_count, first.matched_count) == (2, 0)
    again = put(things, {"a": 1, "b": 1, "c": 2}, {"a": 1, "b": 3, "c": 2})
    assert (again.upserted_count, again.matched_count) == (1, 1)
    assert sorted(found(things)) == [(1, 1, 2), (1, 2, 1), (1, 3, 2)]


def test_a_unique_key_is_kept(things):
    put(things, {"a": 1, "b": 1, "c": 1})
    other = [
        UpdateOne({"a": 1, "b": 1, "c": 9}, {"$setOnInsert": {"d": 1}}, upsert=True),
        UpdateOne({"a": 1, "b": 2, "c": 9}, {"$setOnInsert": {"d": 1}}, upsert=True),
    ]
    with pytest.raises(BulkWriteError) as refused:
        things.bulk_write(other, ordered=False)
    (error,) = refused.value.details["writeErrors"]
    assert (error["index"], error["code"]) == (0, 11000)
    assert sorted(found(things)) == [(1, 1, 1), (1, 2, 9)]  # the rest is written all the same
    with pytest.raises(BulkWriteError):
        things.bulk_write(other, ordered=True)


def test_what_exists_is_not_changed_by_set_on_insert(things):
    for c in (1, 2):
        things.update_one({"a": 1, "b": 1}, {"$setOnInsert": {"c": c}}, upsert=True)
    assert found(things) == [(1, 1, 1)]


def test_reads_are_bounded_sorted_and_come_in_batches(things):
    put(things, *({"a": Int64(n % 3), "b": n} for n in range(400)))
    wanted = {"a": 1, "b": {"$gte": 10, "$lt": 391}}
    every = [n for n in range(400) if n % 3 == 1 and 10 <= n < 391]
    for size in (0, 1, 50, 500):
        rows = things.find(wanted, batch_size=size).sort("b", -1).limit(100)
        assert [each["b"] for each in rows] == every[::-1][:100]
    assert "_id" not in next(things.find(wanted, {"_id": False}))


def test_what_the_standin_does_not_know_it_refuses():
    with MongoStandIn() as standin, MongoClient(standin.uri) as client:
        things = client["x"]["things"]
        things.update_one({"a": 1}, {"$set": {"a": 1}}, upsert=True)
        with pytest.raises(OperationFailure, match="no such command: 'aggregate'"):
            things.count_documents({})
        with pytest.raises(OperationFailure, match=r"unknown operator: \$regex"):
            list(things.find({"a": {"$regex": "x"}}))
        with pytest.raises(OperationFailure, match="Unknown modifier"):
            things.update_one({"a": 1}, {"$inc": {"a": 1}})


def test_a_stopped_standin_is_away_and_keeps_what_it_has():
    with MongoStandIn() as standin:
        with MongoClient(standin.uri, serverSelectionTimeoutMS=100) as client:
            client["x"]["things"].update_one({"a": 1}, {"$set": {"b": 1}}, upsert=True)
            standin.stop()
            with pytest.raises(ConnectionFailure):
                list(client["x"]["things"].find())
            standin.start()
        with MongoClient(standin.uri) as client:
            assert [each["b"] for each in client["x"]["things"].find()] == [1]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("mongodb://h:1/", "mongodb://h:1/t"),
        ("mongodb://h:1,i:2/x?w=1", "mongodb://h:1,i:2/t?w=1"),
        ("mongodb://u:p@h/", "mongodb://u:p@h/t?authSource=admin"),
        ("mongodb://u:p@h/x?w=1", "mongodb://u:p@h/t?w=1&authSource=x"),
        ("mongodb://u:p@h/?authSource=y", "mongodb://u:p@h/t?authSource=y"),
    ],
)
def test_a_test_signs_in_where_it_was_told(given, made):
    assert _with_database(given, "t") == made
