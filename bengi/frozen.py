"""Sessions that stand still in the middle of what they send, with locks that others wait for.

PostgreSQL ends a transaction that does nothing by its idle_in_transaction_session_timeout. That
counts from an answer to the next message of any kind, and of statements that are sent ahead
(bengi/ahead.py) a part may have come: for a process that was stopped then it waits for ever.
"""

from django.db import connection

from bengi.bulk import has_arrays
from bengi.postgres import IDLE_S

_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND application_name LIKE 'bengi %%' AND wait_event = 'ClientRead' AND xact_start IS NOT NULL
  AND greatest(query_start, state_change) < clock_timestamp() - make_interval(secs => %s)
"""


def end_frozen_sessions(frozen_s: float = IDLE_S) -> int:
    """End our processes' sessions that have stood still for so long; return how many.

    What they have written is rolled back, and their process is told when it goes on.
    """
    if not has_arrays():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_END, [frozen_s])
        (ended,) = cursor.fetchone()
    return int(ended)
