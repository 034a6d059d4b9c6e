"""Everything staff can do, one deed each: prepare what it needs, and say what to post.

A deed is named after its permission or its action of the admin, as "orders.order:cancel_selected".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.adjustments import request_adjustment
from accounts.models import User
from accounts.people import disable
from accounts.roles import grant
from accounts.standing import freeze
from accounts.tests.factories import UserFactory
from bengi.terms import InstrumentStatus
from instruments.calendar import SpecialDay
from instruments.days import override_day
from instruments.halts import set_status
from instruments.models import Instrument
from orders.halts import halt_trading
from orders.limits import set_limits
from trades.corporate.proposals import propose
from trades.corporate.terms import ActionTerms
from trades.corrections import ask_bust
from trades.setting_aside.services import Failure, set_request_aside
from trades.tests.corporate_stage import EX_DATE
from trades.tests.desk import fills_of
from trades.tests.world import Trader, World


@dataclass
class Stage:
    """A market with a trader, two of staff, and what the deeds are done to."""

    world: World
    one: User = field(default_factory=lambda: UserFactory(is_staff=True, is_superuser=True))
    two: User = field(default_factory=lambda: UserFactory(is_staff=True, is_superuser=True))
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.force_login(self.one)
        self.abc: Instrument = self.world.instrument()
        self.trader: Trader = self.world.trader()
        self.world.tick(self.abc, "99.90", "100.00", last="100.00")

    @property
    def now(self) -> Any:
        return self.world.now


@dataclass(frozen=True)
class Post:
    """What is sent, where to."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


Prepare = Callable[[Stage], Post]


def add(label: str, **body: Any) -> Post:
    return Post(reverse(f"admin:{label.replace('.', '_')}_add"), body)


def change(label: str, pk: Any, **body: Any) -> Post:
    return Post(reverse(f"admin:{label.replace('.', '_')}_change", args=[pk]), body)


def choose(label: str, action: str, *keys: Any, **body: Any) -> Post:
    chosen = {"action": action, "_selected_action": [str(key) for key in keys]}
    return Post(reverse(f"admin:{label.replace('.', '_')}_changelist"), {**chosen, **body})


WHY = {"reason": "A drill"}
ACCOUNT, USER = "accounts.account", "accounts.user"
INSTRUMENT, OVERRIDE = "instruments.instrument", "instruments.calendaroverride"
LISTING = {"name": "New", "type": "stock", "tick_size": "0.01", "quantity_step": "1"}


def rate(stage: Stage) -> Post:
    when = {"as_of_0": "2026-03-02", "as_of_1": "15:00:00"}
    return add("accounts.fxrate", base="EUR", quote="USD", rate="1.1", source="hand", **when)


def schedule(stage: Stage) -> Post:
    numbers = {"rate": "0", "per_share": "0", "minimum": "0", "tiers": "[]"}
    row = {"code": "class", "effective_from": "2026-09-01", "name": "Class", "kind": "zero"}
    return add("accounts.feeschedule", **row, **numbers)


def regulatory(stage: Stage) -> Post:
    row = {"code": "sec", "effective_from": "2026-09-01", "per_million": "27.8", "per_share": "0"}
    return add("accounts.regulatoryrate", **row)


def asked_adjustment(stage: Stage, by: User) -> Any:
    terms = (stage.trader.account.id, Decimal(5), "USD")
    return request_adjustment(by, *terms, reason="Goodwill", now=stage.now).id


def ask_adjustment(stage: Stage) -> Post:
    terms = {"account": stage.trader.account.id, "currency": "USD", "amount": "5"}
    return add("accounts.ledgeradjustment", **terms, **WHY)


def user_with(stage: Stage, role: str = "", is_out: bool = False) -> User:
    user = UserFactory()
    if role:
        grant(user, role, by=None, now=stage.now)
    if is_out:
        disable(user, by=None, reason="Drill", now=stage.now)
    return user


def frozen(stage: Stage) -> Any:
    account_id = stage.trader.account.id
    freeze(account_id, by=None, reason="Drill", now=stage.now)
    return account_id


def halted(stage: Stage) -> Any:
    set_status(stage.abc.id, InstrumentStatus.HALTED, by="engine", now=stage.now)
    return stage.abc.id


def overridden(stage: Stage) -> Any:
    day = EX_DATE
    return override_day("XNYS", day, SpecialDay(), by="test", now=stage.now).pk


def action(stage: Stage, by: User) -> Any:
    from bengi.terms import CorporateActionKind

    terms = ActionTerms(CorporateActionKind.SPLIT, EX_DATE, ratio_to=7, ratio_from=1)
    return propose(by, stage.abc, terms, now=stage.now).id


def enter_action(stage: Stage) -> Post:
    terms = {"kind": "split", "ex_date": str(EX_DATE), "ratio_to": "7", "ratio_from": "1"}
    return add("instruments.corporateaction", instrument=stage.abc.id, **terms)


def resting(stage: Stage) -> Any:
    return stage.world.place(stage.trader, stage.abc, "buy", 1, limit="99.00")


def standing_halt(stage: Stage) -> Any:
    return halt_trading(stage.two, reason="Drill.", now=stage.now).id


def limited(stage: Stage) -> Any:
    values = {"max_open_orders": 5}
    account_id = stage.trader.account.id
    set_limits(account_id, values, by=stage.two, reason="Drill", now=stage.now)
    return account_id


def filled(stage: Stage) -> Any:
    return fills_of(stage.world.place(stage.trader, stage.abc, "buy", 1))[0]


def correction(stage: Stage, by: User) -> Any:
    return ask_bust(by, filled(stage).exec_id, reason="Drill", now=stage.now).id


def set_aside(stage: Stage) -> Any:
    failure = Failure.of(ValueError("odd"), 5, stage.now)
    return set_request_aside("cancel", resting(stage).id, failure, now=stage.now).id  # type: ignore[arg-type]


def execute(stage: Stage) -> Post:
    body = {
        "order_id": str(resting(stage).id),
        "quantity": "1",
        "price": "98.00",
        "reason": "Drill",
    }
    return Post("/api/v1/trades/execute", body, {"Idempotency-Key": "deed"})


def on_user(doing: str, role: str = "", is_out: bool = False) -> Prepare:
    return lambda stage: choose(USER, doing, user_with(stage, role, is_out).id, **WHY)


DEEDS: dict[str, tuple[str, Prepare]] = {
    f"{ACCOUNT}:change": (
        "account.realism_set",
        lambda s: change(ACCOUNT, s.trader.account.id, realism="harsh"),
    ),
    f"{ACCOUNT}:freeze_selected": (
        "account.frozen",
        lambda s: choose(ACCOUNT, "freeze_selected", s.trader.account.id, **WHY),
    ),
    f"{ACCOUNT}:release_selected": (
        "account.released",
        lambda s: choose(ACCOUNT, "release_selected", frozen(s), **WHY),
    ),
    "accounts.feeschedule:add": ("fee_schedule.added", schedule),
    "accounts.fxrate:add": ("fx_rate.added", rate),
    "accounts.regulatoryrate:add": ("regulatory_rate.added", regulatory),
    "accounts.ledgeradjustment:add": ("adjustment.requested", ask_adjustment),
    "accounts.ledgeradjustment:approve_selected": (
        "adjustment.approved",
        lambda s: choose(
            "accounts.ledgeradjustment", "approve_selected", asked_adjustment(s, s.two)
        ),
    ),
    "accounts.ledgeradjustment:decline_selected": (
        "adjustment.declined",
        lambda s: choose(
            "accounts.ledgeradjustment", "decline_selected", asked_adjustment(s, s.one)
        ),
    ),
    f"{USER}:add": (
        "user.created",
        lambda s: add(
            USER, email="new@bengi.example", name="New", role="dealer", password="long-and-odd-7"
        ),
    ),
    f"{USER}:make_dealer": ("role.granted", on_user("make_dealer")),
    f"{USER}:make_admin": ("role.granted", on_user("make_admin")),
    f"{USER}:take_roles": ("role.revoked", on_user("take_roles", role="dealer")),
    f"{USER}:disable_selected": ("user.disabled", on_user("disable_selected")),
    f"{USER}:enable_selected": ("user.enabled", on_user("enable_selected", is_out=True)),
    f"{USER}:sign_out_selected": ("sessions.revoked", on_user("sign_out_selected")),
    f"{INSTRUMENT}:add": (
        "instrument.listed",
        lambda s: add(INSTRUMENT, symbol="NEW", mic="XNYS", currency="USD", **LISTING),
    ),
    f"{INSTRUMENT}:change": (
        "instrument.corrected",
        lambda s: change(INSTRUMENT, s.abc.id, **LISTING),
    ),
    f"{INSTRUMENT}:halt_selected": (
        "instrument.halted",
        lambda s: choose(INSTRUMENT, "halt_selected", s.abc.id, **WHY),
    ),
    f"{INSTRUMENT}:resume_selected": (
        "instrument.resumed",
        lambda s: choose(INSTRUMENT, "resume_selected", halted(s), **WHY),
    ),
    f"{INSTRUMENT}:delist_selected": (
        "instrument.delisted",
        lambda s: choose(INSTRUMENT, "delist_selected", s.abc.id, **WHY),
    ),
    f"{OVERRIDE}:add": (
        "calendar.overridden",
        lambda s: add(OVERRIDE, mic="XNYS", date=str(EX_DATE), note="Storm"),
    ),
    f"{OVERRIDE}:change": (
        "calendar.overridden",
        lambda s: change(OVERRIDE, overridden(s), note="Storm"),
    ),
    f"{OVERRIDE}:delete": (
        "calendar.restored",
        lambda s: Post(
            reverse("admin:instruments_calendaroverride_delete", args=[overridden(s)]),
            {"post": "yes"},
        ),
    ),
    f"{OVERRIDE}:delete_selected": (
        "calendar.restored",
        lambda s: choose(OVERRIDE, "delete_selected", overridden(s), post="yes"),
    ),
    "instruments.corporateaction:add": ("corporate_action.proposed", enter_action),
    "instruments.corporateaction:approve_selected": (
        "corporate_action.approved",
        lambda s: choose("instruments.corporateaction", "approve_selected", action(s, s.two)),
    ),
    "instruments.corporateaction:cancel_selected": (
        "corporate_action.canceled",
        lambda s: choose("instruments.corporateaction", "cancel_selected", action(s, s.one)),
    ),
    "orders.order:cancel_selected": (
        "order.cancel_requested",
        lambda s: choose("orders.order", "cancel_selected", resting(s).id, **WHY),
    ),
    "orders.risklimits:add": (
        "account.limits_changed",
        lambda s: add("orders.risklimits", account=s.trader.account.id, **WHY),
    ),
    "orders.risklimits:change": (
        "account.limits_changed",
        lambda s: change("orders.risklimits", limited(s), max_open_orders="9", **WHY),
    ),
    "orders.tradinghalt:add": (
        "trading.halted",
        lambda s: add("orders.tradinghalt", reason="Drill.", cancel_orders="on"),
    ),
    "orders.tradinghalt:lift_selected": (
        "trading.resumed",
        lambda s: choose("orders.tradinghalt", "lift_selected", standing_halt(s)),
    ),
    "trades.tradecorrection:add": (
        "correction.requested",
        lambda s: add("trades.tradecorrection", trade=filled(s).exec_id, kind="bust", **WHY),
    ),
    "trades.tradecorrection:approve_selected": (
        "correction.approved",
        lambda s: choose("trades.tradecorrection", "approve_selected", correction(s, s.two)),
    ),
    "trades.tradecorrection:decline_selected": (
        "correction.declined",
        lambda s: choose("trades.tradecorrection", "decline_selected", correction(s, s.one)),
    ),
    "trades.setaside:try_again": (
        "set_aside.released",
        lambda s: choose("trades.setaside", "try_again", set_aside(s)),
    ),
    "trades/execute": ("order.executed_by_hand", execute),
}
"""The action that the audit log calls a deed by, and how to do it."""

BY_PERMISSION = {
    "accounts.change_account": [f"{ACCOUNT}:change"],
    "accounts.freeze_account": [f"{ACCOUNT}:freeze_selected", f"{ACCOUNT}:release_selected"],
    "accounts.add_ledgeradjustment": ["accounts.ledgeradjustment:add"],
    "accounts.change_ledgeradjustment": [
        "accounts.ledgeradjustment:approve_selected",
        "accounts.ledgeradjustment:decline_selected",
    ],
    "accounts.add_user": [f"{USER}:add"],
    "accounts.change_user": [
        *(f"{USER}:make_dealer", f"{USER}:make_admin", f"{USER}:take_roles"),
        *(f"{USER}:disable_selected", f"{USER}:enable_selected", f"{USER}:sign_out_selected"),
    ],
    "accounts.add_feeschedule": ["accounts.feeschedule:add"],
    "accounts.add_fxrate": ["accounts.fxrate:add"],
    "accounts.add_regulatoryrate": ["accounts.regulatoryrate:add"],
    "instruments.add_instrument": [f"{INSTRUMENT}:add"],
    "instruments.change_instrument": [f"{INSTRUMENT}:change", f"{INSTRUMENT}:delist_selected"],
    "instruments.halt_instrument": [
        f"{INSTRUMENT}:halt_selected",
        f"{INSTRUMENT}:resume_selected",
    ],
    "instruments.add_calendaroverride": [f"{OVERRIDE}:add"],
    "instruments.change_calendaroverride": [f"{OVERRIDE}:change"],
    "instruments.delete_calendaroverride": [f"{OVERRIDE}:delete", f"{OVERRIDE}:delete_selected"],
    "instruments.add_corporateaction": ["instruments.corporateaction:add"],
    "instruments.change_corporateaction": [
        "instruments.corporateaction:approve_selected",
        "instruments.corporateaction:cancel_selected",
    ],
    "orders.cancel_any_order": ["orders.order:cancel_selected"],
    "orders.add_risklimits": ["orders.risklimits:add"],
    "orders.change_risklimits": ["orders.risklimits:change"],
    "orders.add_tradinghalt": ["orders.tradinghalt:add"],
    "orders.change_tradinghalt": ["orders.tradinghalt:lift_selected"],
    "trades.change_setaside": ["trades.setaside:try_again"],
    "trades.correct_trade": [
        "trades.tradecorrection:add",
        "trades.tradecorrection:approve_selected",
        "trades.tradecorrection:decline_selected",
    ],
    "trades.execute_trade": ["trades/execute"],
}
"""The deeds that each permission of a role, beyond looking, is for."""
