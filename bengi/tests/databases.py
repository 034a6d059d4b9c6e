"""Tests that only one of the two databases can play."""

import pytest
from django.db import connection


def on_postgresql(elsewhere: str) -> pytest.MarkDecorator:
    """Return a mark for what only PostgreSQL can show; elsewhere: why another database cannot.

    A skip is no loss: tests/test_on_both_databases.py plays each file that uses this on a real one.
    """
    reason = f"{elsewhere}: tests/test_on_both_databases.py plays it on PostgreSQL"
    return pytest.mark.skipif(connection.vendor != "postgresql", reason=reason)
