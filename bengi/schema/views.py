"""The document at /api/schema, and a page at /api/docs on which people read and try it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.settings import spectacular_settings

MEDIA_TYPE = "application/vnd.oai.openapi+json"


@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """Answer the OpenAPI document; it is made once in a process."""
    return HttpResponse(document_text(), content_type=MEDIA_TYPE)


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show the document with Swagger UI, from our own files."""
    return render(request, "api_reference.html")


@cache
def document_text() -> str:
    """Return the document as it is committed in docs/openapi.json."""
    generator: Any = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    schema = generator.get_schema(request=None, public=True)
    text: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return text.decode()
