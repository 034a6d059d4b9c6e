"""Puts an operation of the document together from what its view declares."""

import re
from functools import cached_property
from typing import Any

from drf_spectacular.drainage import error
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from bengi.inputs import Input
from bengi.schema.answers import codes_answered, problems, successes
from bengi.schema.components import PREFIX, security_of
from bengi.schema.examples import example_of
from bengi.schema.inputs import body_schema, query_parameters
from bengi.schema.operation import Key, Operation, declared_of
from bengi.schema.shapes import Schema, Shape, json_schema

_SYMBOL = {"type": "string", "pattern": "^[!-.0-~]{1,16}$"}
_PATH_KINDS: dict[str, Schema] = {
    "uuid": {"type": "string", "format": "uuid"},
    "symbol": _SYMBOL,
    "int": {"type": "integer", "minimum": 0},
    "str": {"type": "string", "minLength": 1},
}
_KEY_LENGTH_MAX = {Key.REQUIRED: 255, Key.OPTIONAL: 128}


class DeclaredSchema(AutoSchema):
    """Reads @operation; a method without one is an error, and left out."""

    @cached_property
    def told(self) -> Operation:
        told = declared_of(self.view, self.method)
        assert told is not None
        return told

    def is_excluded(self) -> bool:
        if declared_of(self.view, self.method) is not None:
            return False
        error(f"{type(self.view).__name__}.{self.method.lower()} has no @operation")
        return True

    def get_operation_id(self) -> str:
        return re.sub(r"[^a-z0-9]+", "_", self.told.summary.lower()).strip("_")

    def get_summary(self) -> str:
        return self.told.summary

    def get_description(self) -> str:  # type: ignore[override]
        """Return the docstring of the method, else of the view, as one paragraph each."""
        method = getattr(self.view, self.method.lower())
        text = method.__doc__ or type(self.view).__doc__ or ""
        return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix(PREFIX).split("/")[0]]

    def get_auth(self) -> list[Schema]:
        return [] if self.told.public else security_of(self.method, self.path)

    def _get_parameters(self) -> list[Schema]:
        return [*self._path_parameters(), *query_parameters(self.told.query), *self._key()]

    def _path_parameters(self) -> list[Schema]:
        found = re.findall(r"<(\w+):(\w+)>", self.path_regex)
        return [
            {"name": name, "in": "path", "required": True, "schema": _PATH_KINDS[kind]}
            for kind, name in found
        ]

    def _key(self) -> list[Schema]:
        if self.told.key is Key.NONE:
            return []
        longest = _KEY_LENGTH_MAX[self.told.key]
        text = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[ -~]*$"}
        required = self.told.key is Key.REQUIRED
        return [{"name": "Idempotency-Key", "in": "header", "required": required, "schema": text}]

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        form = self.told.body
        if form is None:
            return None
        name = "Nothing" if form is Input else form.__name__
        schema = self._component(name, body_schema(form), form)
        example = example_of(self.get_operation_id(), "request")
        shown = {} if example is None else {"example": example}
        required = bool(schema and body_schema(form).get("required"))
        return {"content": {"application/json": {"schema": schema, **shown}}, "required": required}

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Schema]:
        told = self.told
        example = example_of(self.get_operation_id(), "answer")
        shapes = {told.status: told.answers, **told.also}
        schemas = {status: self._answer(shape) for status, shape in shapes.items()}
        found = successes(told, schemas, example)
        for status, name, answer in problems(codes_answered(told, self.method, self.path)):
            found[str(status)] = self._shared(name, answer) if name else answer
        return dict(sorted(found.items()))

    def _shared(self, name: str, answer: Schema) -> Schema:
        return self._component(name, answer, Operation, ResolvedComponent.RESPONSE)

    def _answer(self, shape: Any) -> Schema | None:
        if shape is None:
            return None
        if isinstance(shape, tuple):
            return {"anyOf": [self._answer(each) for each in shape]}
        schema, named = json_schema(shape)
        for name, each in named.items():
            self._component(name, each, Shape)
        return schema

    def _component(
        self, name: str, schema: Schema, made_by: type, kind: str = ResolvedComponent.SCHEMA
    ) -> Schema:
        """Return a reference to the schema, told once. Two of one name are an error."""
        component = ResolvedComponent(name, kind, schema, made_by)
        self.registry.register_on_missing(component)
        if self.registry[component].schema != schema:
            error(f"two schemas are called {name}")
        reference: Schema = component.ref
        return reference
