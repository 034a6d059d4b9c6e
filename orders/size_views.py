"""How much a share of what there is comes to: the presets of the ticket, reckoned by the rules."""

from decimal import Decimal

from django.http import JsonResponse
from django.views.decorators.http import require_POST

from accounts.models import Account
from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.money import plain
from instruments.selectors import instrument_by_symbol
from orders.forms import TicketForm
from orders.presets import amount_for, quantity_for
from orders.tickets import read_desk

SHARES = {"25": Decimal(25), "50": Decimal(50), "100": Decimal(100)}


@require_POST
@signed_in
def size(request: PageRequest) -> JsonResponse:
    """Answer the ticket with the field that says how much, and what share percent comes to in it.

    The ticket's own quantity is not looked at; what else is wrong with it leaves the value empty.
    """
    instrument = instrument_by_symbol(request.POST.get("symbol", "")[:16])
    form = TicketForm({**request.POST.dict(), "quantity": "1", "notional": "1"})
    share = SHARES.get(request.POST.get("share", ""))
    if share is None or not form.is_valid():
        return JsonResponse({"field": form.size, "value": ""})
    now, ticket = clock.now(), form.ticket(request.user)
    found = Account.objects.filter(id=ticket.account_id).select_related("fee_schedule")
    desk = read_desk([ticket], {account.id: account for account in found}, now)
    facts = desk.facts(ticket, instrument, now)
    reckon = quantity_for if ticket.notional is None else amount_for
    value = reckon(facts, share)
    return JsonResponse({"field": form.size, "value": plain(value) if value else ""})
