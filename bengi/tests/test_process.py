"""Processes are told apart in pg_stat_activity, and only commands that end may take their time."""

import pytest

from bengi.process import NAME_LENGTH_MAX, answers_requests, is_maintenance, process_name


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("manage.py run", "bengi run", "web"),
        ("/srv/bengi/manage.py run_engine --shards 0,1", "bengi run_engine", ""),
        ("manage.py run_sockets --port 8001", "bengi run_sockets", "web"),
        ("manage.py run_relay", "bengi run_relay", ""),
        ("manage.py migrate", "bengi migrate", "command"),
        ("manage.py check_books", "bengi check_books", "command"),
        ("manage.py", "bengi", "command"),
        (
            "/usr/bin/gunicorn bengi.web --worker-class bengi.web_worker.Worker",
            "bengi gunicorn",
            "web",
        ),
        ("/lib/celery/__main__.py -A bengi.celery beat", "bengi beat", ""),
        (
            "celery -A bengi.celery worker -Q matching.0 -P solo",
            "bengi worker matching.0",
            "",
        ),
        ("celery -A bengi.celery worker -Q default", "bengi worker default", ""),
        ("celery -A bengi.celery inspect ping", "bengi celery", ""),
        ("/lib/pytest/__main__.py -q", "bengi pytest", ""),
        ("-c", "bengi -c", ""),
    ],
)
def test_the_name_and_kind_of_a_process(line, name, kind):
    assert process_name(line.split()) == name
    assert is_maintenance(line.split()) is (kind == "command")
    assert answers_requests(line.split()) is (kind == "web")


def test_a_long_name_is_cut():
    queues = ",".join(f"matching.{shard}" for shard in range(20))
    name = process_name(["celery", "worker", "-Q", queues])
    assert name.startswith("bengi worker matching.0,")
    assert len(name) == NAME_LENGTH_MAX


def test_nothing_at_all_has_a_name_too():
    assert process_name([]) == "bengi"
