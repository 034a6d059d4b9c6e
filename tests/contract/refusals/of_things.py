"""What cannot be done with accounts, portfolios, lists, alerts and instruments."""

from typing import Any
from unittest.mock import patch

from accounts.services import close_account
from accounts.standing import freeze
from bengi.terms import InstrumentStatus
from instruments.halts import set_status
from tests.contract.refusals import Act, provokes
from tests.contract.stage import BODIES, Stage
from watchlists.models import PriceAlert

JSON = "application/json"


def send(stage: Stage, method: str, path: str, body: dict[str, Any], role: str = "owner") -> Any:
    ask = getattr(stage.client(role), method)
    return ask(f"/api/v1/{path}", body, content_type=JSON)


def correct(stage: Stage, **change: Any) -> Any:
    """Correct the listing of what is traded here."""
    body = BODIES["correct_an_instrument"] | change
    return send(stage, "put", "instruments/ABC", body, role="admin")


@provokes("account_closed")
def _(stage: Stage) -> Act:
    account, by, now = stage.owner.account, stage.users["dealer"], stage.world.now
    close_account(account, by=stage.owner.user, now=now)
    return lambda: freeze(account.id, by=by, reason="Why", now=now)


@provokes("portfolio_in_use")
def _(stage: Stage) -> Act:
    return lambda: send(stage, "delete", f"portfolios/{stage.owner.portfolio.id}", {})


@provokes("name_taken")
def _(stage: Stage) -> Act:
    return lambda: send(stage, "post", "watchlists", {"name": "Core"})


@provokes("limit_reached")
def _(stage: Stage) -> Act:
    def act() -> Any:
        with patch("watchlists.services.WATCHLISTS_MAX", 1):
            return send(stage, "post", "watchlists", {"name": "Another"})

    return act


@provokes("already_fired")
def _(stage: Stage) -> Act:
    PriceAlert.objects.update(fired_at=stage.world.now, fired_price="12.00")
    return lambda: send(stage, "patch", f"alerts/{stage.places['alert_id']}", {"note": "Late"})


@provokes("alert_is_due")
def _(stage: Stage) -> Act:
    body = {"symbol": "ABC", "kind": "below", "price": "10.00"}
    return lambda: send(stage, "post", "alerts", body)


@provokes("already_listed")
def _(stage: Stage) -> Act:
    mic = stage.working.instrument.mic
    body = BODIES["list_an_instrument"] | {"symbol": "ABC", "mic": mic}
    return lambda: send(stage, "post", "instruments", body, role="admin")


@provokes("instrument_in_use")
def _(stage: Stage) -> Act:
    return lambda: correct(stage, tick_size="0.05")


@provokes("instrument_delisted")
def _(stage: Stage) -> Act:
    instrument = stage.working.instrument_id
    set_status(instrument, InstrumentStatus.DELISTED, by="staff", now=stage.world.now)
    return lambda: correct(stage, status="active")
