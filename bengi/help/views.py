"""/help: how orders fill here, for everybody, with the numbers that the code goes by."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.selectors import open_accounts_of
from bengi import clock
from bengi.help import facts
from bengi.help.drawings import BRACKET, DRAWINGS
from bengi.help.words import GLOSSARY, STATUSES, TIMES, TYPES, WHAT_TO_DO
from bengi.terms import Realism
from trades.matching.reasons import REASONS

SECTIONS = (
    ("start", "In one minute"),
    ("types", "Order types"),
    ("in-force", "Times in force"),
    ("groups", "Exits and groups"),
    ("fills", "How a fill comes about"),
    ("realism", "Realism profiles"),
    ("waiting", "Why an order waits"),
    ("statuses", "Where an order stands"),
    ("checks", "Before it is accepted"),
    ("fees", "Fees"),
    ("settlement", "Settlement"),
    ("hours", "Market hours"),
    ("shortcuts", "Keyboard"),
    ("glossary", "Glossary"),
)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Tell how orders fill here; who is signed in sees which profile and fees are theirs."""
    now = clock.now()
    context = {
        "place": "help",
        "sections": SECTIONS,
        "types": [(kind, told, DRAWINGS[kind]) for kind, told in TYPES.items()],
        "times": TIMES.items(),
        "bracket": BRACKET,
        "profiles": list(Realism),
        "profile_facts": facts.profile_facts(),
        "reasons": [(code, text, WHAT_TO_DO[code]) for code, text in REASONS.items()],
        "statuses": STATUSES.items(),
        "fees": facts.fees_on(now.date()),
        "regulatory": facts.regulatory_on(now.date()),
        "markets": facts.markets_at(now),
        "glossary": GLOSSARY,
        "numbers": facts.numbers(),
        **_own(request.user),
    }
    return render(request, "help/help.html", context)


def _own(user: Any) -> dict[str, str]:
    if not isinstance(user, User):
        return {}
    account = open_accounts_of(user).prefetch_related(None).select_related("fee_schedule").first()
    if account is None:
        return {}
    return {"own_realism": account.realism, "own_fees": account.fee_schedule.code}
