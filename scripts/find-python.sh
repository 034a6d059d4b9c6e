#!/bin/sh
# Print the name of a Python that is new enough for Bengi, or say in one line what is missing.
# Each candidate is run, because a name on the PATH may be a stub for a version that is not there.
for name in "$PYTHON" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$name"
        exit 0
    fi
done
found=$(python3 --version 2>/dev/null)
echo "bengi: Python 3.11 or newer is needed, found ${found:-none}. Install it, or name it: make run PYTHON=/path/to/python3" >&2
exit 1
