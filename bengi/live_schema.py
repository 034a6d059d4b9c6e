"""Changes of the schema that let others go on: for migrations with `atomic = False`."""

from typing import Any

from django.db.migrations.operations import AddIndex

BROKEN_OFF = """
    SELECT 1
    FROM pg_index
    WHERE indexrelid = to_regclass(quote_ident(%s)) AND NOT indisvalid
"""


class AddIndexLive(AddIndex):
    """Builds an index while others write, where the database can (PostgreSQL).

    An index that was broken off in the middle stays there and is used by nobody: it is dropped
    before the next try.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(BROKEN_OFF, [self.index.name])
            broken_off = cursor.fetchone() is not None
        if broken_off:
            schema_editor.remove_index(model, self.index, concurrently=True)
        schema_editor.add_index(model, self.index, concurrently=True)
