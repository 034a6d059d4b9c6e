"""How long things hold. docs/security.md shows the same numbers; a test compares them."""

from datetime import timedelta

ACCESS = timedelta(minutes=5)
REFRESH = timedelta(days=14)
"""From its last use on."""
GRACE = timedelta(seconds=10)
"""So long a spent refresh token answers with the successor it got: two tabs, a lost answer."""
STATE_S = 2
"""Seconds that a process may go on believing that a token or key is good."""
PENDING = timedelta(minutes=10)
"""From the password to the code, and from a new second factor to its confirmation."""
LAST_USED_EVERY = timedelta(minutes=1)
KNOWN = timedelta(days=30)
"""An address that somebody has signed in from is known to be theirs so long."""
KEPT = timedelta(days=90)
"""Rows of sign-ins that have ended."""
