"""Lab: kill each process and server of the scale-out mode, idle, in a burst and at a close.

    python -m tests.labs.matrix ROUNDS SEED [--bug NAME] [CELL...]

A cell is victim/state, such as relay/burst; all of them without one. The supervisor starts what
scripts/supervisor/processes.py tells, on a PostgreSQL and a Redis of the lab's own, and starts
again what the lab kills. Prints one line for each cell and one of JSON at the end; loopback only.
"""
