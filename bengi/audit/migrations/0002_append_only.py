"""Rows of the audit log are neither changed nor deleted: the database says so itself.

A later migration that makes SQLite build the table anew (any change of a column) takes its triggers
away, and has to put them back by these functions. bengi/audit/tests shows when one has not.
"""

from django.db import migrations

TABLE = "audit_auditentry"
WORDS = "rows of the audit log never change"


def refuse_changes(apps, schema_editor):
    """Make the database raise on UPDATE and DELETE."""
    if schema_editor.connection.vendor == "sqlite":
        for what in ("UPDATE", "DELETE"):
            schema_editor.execute(
                f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            )
        return
    schema_editor.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    schema_editor.execute(
        f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    )


def allow_changes(apps, schema_editor):
    """Take the triggers away again."""
    if schema_editor.connection.vendor == "sqlite":
        for what in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER audit_no_{what}")
        return
    schema_editor.execute(f"DROP TRIGGER audit_append_only ON {TABLE}")
    schema_editor.execute("DROP FUNCTION audit_refuse()")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(refuse_changes, allow_changes)]
