"""Changes of the schema that let others go on: for migrations with `atomic = False`."""

from typing import Any

from django.db.migrations.operations import AddIndex


class AddIndexLive(AddIndex):
    """Builds an index while others write, where the database can (PostgreSQL).

    Broken off, it leaves an index there that is not valid: drop it before the next try.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.add_index(model, self.index, concurrently=True)
