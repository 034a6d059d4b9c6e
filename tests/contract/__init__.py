"""The API against its own document, docs/openapi.json."""
