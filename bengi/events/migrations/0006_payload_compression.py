"""New payloads are compressed with LZ4 where PostgreSQL has it, which takes a quarter of the time.

Those that are there stay as they are.
"""

from typing import Any

from django.db import migrations

KNOWN = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
COMPRESSED = "ALTER TABLE events_event ALTER COLUMN payload SET COMPRESSION "


def compress(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(KNOWN)
        (methods,) = cursor.fetchone()
        if "lz4" in methods:
            cursor.execute(COMPRESSED + "lz4")


def as_it_was(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(COMPRESSED + "default")


class Migration(migrations.Migration):
    dependencies = [("events", "0005_fewer_indexes")]
    operations = [migrations.RunPython(compress, as_it_was)]
