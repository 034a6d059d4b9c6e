"""/help: how orders fill here, for everybody, with the numbers that the code goes by."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "help/help.html", {"place": "help"})
