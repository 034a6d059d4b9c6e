"""The real parts are real: they answer, are empty, and are gone afterwards."""

from pathlib import Path

import psycopg
import pytest
import redis

from scripts.parts import PARTS, Part, find
from tests import realparts, servers


def test_postgres_is_real_and_empty(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.info.server_version >= 130000
        assert connection.execute(tables).fetchone() == (0,)


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_gets_a_database_of_its_own(postgres_url, time):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (id int)")


def test_redis_is_real_and_empty(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("bengi", "1", px=1000)
        assert client.get("bengi") == b"1"
        client.delete("bengi")


def test_a_server_is_gone_after_its_block():
    program, _ = find(PARTS["redis"])
    with servers.redis_server(program) as url, redis.Redis.from_url(url) as client:
        folder = Path(client.config_get("dir")["dir"])
        assert folder.exists()
    assert not folder.exists()
    with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_a_program_that_does_not_start_is_not_found(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("BENGI_NOTHING", str(broken))
    assert find(Part("nothing", "BENGI_NOTHING", (), (), "nothing", "nothing")) is None


def test_a_missing_part_says_what_to_run(tmp_path, monkeypatch, capsys):
    from scripts import parts

    nothing = Part("nothing", "BENGI_NOTHING", ("bengi-no-such-program",), (), "", "get nothing")
    monkeypatch.setattr(parts, "PARTS", {"nothing": nothing})
    assert parts.main([]) == 1
    assert capsys.readouterr().err == "bengi: nothing is missing; install it: get nothing\n"


def test_a_test_without_its_part_fails_with_what_to_run(monkeypatch):
    nothing = Part("nothing", "BENGI_NOTHING", ("bengi-no-such-program",), (), "", "get nothing")
    monkeypatch.setitem(PARTS, "nothing", nothing)
    with pytest.raises(pytest.fail.Exception, match="nothing is missing; install it: get nothing"):
        realparts._found("nothing")
