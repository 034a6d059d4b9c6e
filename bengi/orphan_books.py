"""Rows that name another row: where the database does not check it with each write, this does.

The hot tables that only grow have no foreign-key constraints (docs/adr/0032).
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db.models import Exists, ForeignKey, OuterRef


def named_rows_are_there() -> Iterator[str]:
    """[42] Whatever a row names is there."""
    for model in apps.get_models():
        keys: list[Any] = [f for f in model._meta.concrete_fields if isinstance(f, ForeignKey)]
        for key in keys:
            if not key.db_constraint:
                yield from _orphans(model, key)


def _orphans(model: Any, field: Any) -> Iterator[str]:
    named = field.related_model._base_manager.filter(pk=OuterRef(field.attname))
    found = model._base_manager.filter(~Exists(named), **{f"{field.name}__isnull": False})
    for key, missing in found.values_list("pk", field.attname).iterator():
        name = model._meta.verbose_name
        yield f"{name} {key}: there is no {field.related_model._meta.verbose_name} {missing}"


ORPHAN_CHECKS: list[Callable[[], Iterator[str]]] = [named_rows_are_there]
