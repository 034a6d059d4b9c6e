"""People, their accounts, and money that comes in and goes out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import tariff
from accounts.idempotency import known_answer, remember
from accounts.ledger import LedgerLeg, NewTransaction, post, transaction_payload
from accounts.models import Account, CashBalance, FeeSchedule, RegulatoryRate, User
from accounts.payloads import cash_shape, transaction_shape
from accounts.selectors import cash_state_of
from bengi.arrays import array_of, ask_values
from bengi.audit.services import head_of, note
from bengi.errors import Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.money import ZERO, minor_unit, plain, round_money
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.sentences import apart, own, sentence
from bengi.terms import AccountStatus, LedgerBook, LedgerKind, Realism

ACCOUNTS_MAX = 20
"""Accounts of one user that are not closed."""

BALANCE_MAX = Decimal(10_000_000_000)
"""Far below what the databases hold exactly (bengi/fields.py), so that trades still fit."""


def register(email: str, name: str, password: str) -> User:
    """Create a person. Raises Malformed weak_password and Conflict email_taken."""
    user = User(email=User.objects.normalize_email(email.strip()), name=name.strip())
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Malformed("weak_password", " ".join(error.messages), field="password") from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        detail = "There is an account with this e-mail address already."
        raise Conflict("email_taken", detail, field="email") from error
    return user


def fee_schedule_of(code: str) -> FeeSchedule:
    """Return the schedule of a code, the row of it that has counted longest: the code is what an
    account has. Raises Malformed."""
    row = FeeSchedule.objects.filter(code=code).order_by("effective_from").first()
    if row is None:
        detail = "There is no such fee schedule."
        raise Malformed("invalid_field", detail, field="fee_schedule")
    return row


def lock_user(user: User) -> None:
    """Lock the user's row: two requests for another account, list or alert wait for each other."""
    User.objects.select_for_update(no_key=True, of=("self",)).get(id=user.id)


def lock_users(user_ids: Iterable[UUID]) -> None:
    """Lock the rows of many users, in ascending order of their ids, as lock_user() does of one."""
    rows = User.objects.select_for_update(no_key=True, of=("self",)).filter(id__in=set(user_ids))
    list(rows.order_by("id").values_list("id", flat=True))


def check_may_open(user: User) -> None:
    """Raise Forbidden for who has a frozen account, Refused for who has ACCOUNTS_MAX open ones.

    The caller has locked the user.
    """
    statuses = list(
        Account.objects.filter(user=user)
        .exclude(status=AccountStatus.CLOSED)
        .values_list("status", flat=True)
    )
    if AccountStatus.FROZEN in statuses:
        detail = "An account of yours is frozen; no other can be opened."
        raise Forbidden("account_frozen", detail)
    if len(statuses) >= ACCOUNTS_MAX:
        detail = f"At most {ACCOUNTS_MAX} accounts can be open."
        raise Refused("limit_reached", detail, limit=ACCOUNTS_MAX)


@transaction.atomic
def close_account(account: Account, *, by: User, now: datetime, **told: str) -> None:
    """Close a locked account for good: it takes no orders and its money stays where it is.

    Appends account.closed with what else is told of it. What is open of it is the caller's to end.
    """
    account.status = AccountStatus.CLOSED
    account.save(update_fields=["status"])
    payload = {"account_id": str(account.id), "status": str(account.status), "by": str(by.id)}
    heads = append([NewEvent(account.id, "account.closed", payload | told, now)])
    transaction.on_commit(lambda: publish(heads), robust=True)


def default_fee_schedule() -> FeeSchedule:
    """Return the schedule new accounts start with: 0.005 a share, at least 1.00, at most 1 %."""
    return _offer(tariff.PER_SHARE)


@transaction.atomic
def import_fees() -> None:
    """Add the fee schedules and regulatory rates that are not there yet; change none that is."""
    for schedule in tariff.SCHEDULES:
        _offer(schedule)
    known = set(RegulatoryRate.objects.values_list("code", "effective_from"))
    RegulatoryRate.objects.bulk_create(
        RegulatoryRate(**asdict(rate))
        for rate in tariff.RATES
        if (rate.code, rate.effective_from) not in known
    )


def _offer(published: tariff.PublishedSchedule) -> FeeSchedule:
    values = {**asdict(published), "tiers": [list(tier) for tier in published.tiers]}
    key = {"code": values.pop("code"), "effective_from": tariff.SINCE_EVER}
    schedule, _ = FeeSchedule.objects.get_or_create(**key, defaults=values)
    return schedule


@transaction.atomic
def open_account(
    user: User,
    *,
    name: str,
    currency: str,
    now: datetime,
    schedule: FeeSchedule | None = None,
    realism: Realism = Realism.REALISTIC,
) -> Account:
    """Open a cash account with an empty balance in its base currency, and its event stream."""
    account = Account.objects.create(
        user=user,
        name=name,
        base_currency=currency,
        fee_schedule=schedule or default_fee_schedule(),
        realism=realism,
        created_at=now,
    )
    CashBalance.objects.create(account=account, currency=currency)
    payload = {
        "account_id": str(account.id),
        "currency": currency,
        "name": name,
        "realism": str(realism),
    }
    append([NewEvent(account.id, "account.opened", payload, now)])
    return account


def set_realism(account_id: UUID, realism: Realism, *, by: User, now: datetime) -> Account:
    """Let the street trade otherwise with the account's orders, from the next one on.

    Open orders keep what they were accepted under. See change_account().
    """
    return change_account(account_id, by=by, now=now, realism=realism)


@retried
def change_account(
    account_id: UUID,
    *,
    by: User,
    now: datetime,
    name: str | None = None,
    realism: Realism | None = None,
) -> Account:
    """Change what of an account its owner, or staff, may; None leaves it as it is.

    Appends account.updated with what is different; set again it changes nothing. Raises NotFound
    for an absent account, and for another's unless by is of staff; Forbidden for a closed one.
    """
    account = lock_accounts([account_id]).get(account_id)
    if account is None or not (by.is_staff or account.user_id == by.id):
        raise NotFound
    wanted = {"name": name, "realism": realism}
    changes = {k: str(v) for k, v in wanted.items() if v is not None and v != getattr(account, k)}
    if not changes:
        return account
    if account.status == AccountStatus.CLOSED:
        check_active(account)
    for field, value in changes.items():
        setattr(account, field, value)
    account.save(update_fields=list(changes))
    payload = {"account_id": str(account_id), **changes, "by": str(by.id)}
    heads = append([NewEvent(account_id, "account.updated", payload, now)])
    if account.user_id != by.id:
        note(
            "account.realism_set",
            by=by,
            now=now,
            target=f"account {account_id}",
            details={"realism": str(realism)},
            event=head_of(heads, account_id),
        )
    transaction.on_commit(lambda: publish(heads), robust=True)
    return account


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a movement of money; replayed when its key had made this very one before."""

    body: dict[str, Any]
    replayed: bool = False


@retried
def deposit(
    account: Account,
    amount: Decimal,
    currency: str,
    *,
    key: str,
    now: datetime,
    description: str = "Deposit",
) -> Receipt:
    """Credit amount from outside, settled at once; the same key does it once.

    Raises Malformed invalid_amount, Refused max_balance or idempotency_mismatch, Forbidden.
    """
    check_amount(amount, currency)
    return _move(
        account.id,
        LedgerKind.DEPOSIT,
        (
            LedgerLeg(LedgerBook.CUSTOMER_CASH, account.id, currency, amount),
            LedgerLeg(LedgerBook.EXTERNAL, None, currency, -amount),
        ),
        key=key,
        now=now,
        description=description,
    )


@retried
def withdraw(
    account_id: UUID, amount: Decimal, currency: str, *, key: str, now: datetime
) -> Receipt:
    """Pay amount out of settled cash that is not reserved; the same key does it once.

    Raises Refused insufficient_available with needed and available, Malformed invalid_amount,
    Refused idempotency_mismatch, Forbidden. A refusal leaves no trace.
    """
    check_amount(amount, currency)
    return _move(
        account_id,
        LedgerKind.WITHDRAWAL,
        (
            LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, currency, -amount),
            LedgerLeg(LedgerBook.EXTERNAL, None, currency, amount),
        ),
        key=key,
        now=now,
        description="Withdrawal",
    )


def _move(
    account_id: UUID,
    kind: LedgerKind,
    legs: tuple[LedgerLeg, ...],
    *,
    key: str,
    now: datetime,
    description: str,
) -> Receipt:
    """Post one movement in or out, unless key has done it already."""
    account = lock_accounts([account_id])[account_id]
    mine, _ = legs
    route, body = f"accounts/{account_id}/{kind}", [mine.currency, plain(mine.amount)]
    known = known_answer(account.user_id, route, key, body, now)
    if known is not None:
        return Receipt(known, replayed=True)
    check_active(account)
    if mine.amount < 0:
        check_withdrawable(account, -mine.amount, mine.currency, now)
    new = NewTransaction(
        id=new_id(),
        kind=kind,
        reference=f"{account_id}:{new_id()}",
        account_id=account_id,
        occurred_at=now,
        description=description,
        legs=legs,
    )
    post_cash([new], "cash.posted", {}, now)
    answer = {
        "transaction": transaction_shape(new),
        "balance": cash_shape(mine.currency, cash_state_of(account, mine.currency, now)),
    }
    remember(account.user_id, route, key, body, answer, now)
    return Receipt(answer)


def check_amount(amount: Decimal, currency: str, field: str = "amount") -> None:
    """Raise Malformed invalid_amount unless amount is above zero and in whole minor units."""
    if amount <= ZERO or amount != round_money(amount, currency):
        unit = minor_unit(currency)
        detail = sentence(
            "An amount of {currency} must be above zero, in steps of {unit}.",
            currency=currency,
            unit=unit,
        )
        told = {"value": plain(amount), "limit": plain(unit)}
        raise Malformed("invalid_amount", detail, field=field, **told)


def check_active(account: Account) -> None:
    """Raise Forbidden unless money of the account may move."""
    if account.status == AccountStatus.FROZEN:
        raise Forbidden("account_frozen", "The account is frozen; its money cannot be moved.")
    if account.status != AccountStatus.ACTIVE:
        raise Forbidden("forbidden", "The account is closed.", account_status=account.status)


def check_withdrawable(account: Account, amount: Decimal, currency: str, now: datetime) -> None:
    """Raise Refused insufficient_available unless amount is settled and not reserved."""
    state = cash_state_of(account, currency, now)
    if amount <= state.withdrawable:
        return
    raise Refused(
        "insufficient_available",
        sentence(
            "{amount} {currency} needed, {withdrawable} available: "
            "settled cash that no open order holds.",
            amount=apart(amount),
            currency=currency,
            withdrawable=own(state.withdrawable),
        ),
        field="amount",
        needed=plain(amount),
        available=plain(state.withdrawable),
        reserved=plain(state.reserved),
        unsettled=plain(state.unsettled),
    )


def post_cash(
    transactions: Sequence[NewTransaction], event: str, payload: dict[str, Any], now: datetime
) -> dict[UUID, int]:
    """Post transactions of one locked account, carry its balances along and log one event.

    Returns the account's stream and newest seq. Raises Refused max_balance when a balance would go
    beyond what can be kept exactly.
    """
    (account_id,) = {new.account_id for new in transactions}
    legs = [leg for new in transactions for leg in new.legs if leg.account_id is not None]
    balances = {row.currency: row for row in CashBalance.objects.filter(account_id=account_id)}
    for leg in legs:
        balance = balances.setdefault(
            leg.currency, CashBalance(account_id=account_id, currency=leg.currency)
        )
        balance.amount += leg.amount
        if balance.amount > BALANCE_MAX:
            detail = sentence(
                "A balance can be {most} {currency} at most.",
                most=BALANCE_MAX,
                currency=leg.currency,
            )
            raise Refused("max_balance", detail, field="amount", limit=plain(BALANCE_MAX))
    CashBalance.objects.bulk_create(
        [balances[currency] for currency in sorted({leg.currency for leg in legs})],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["amount"],
    )
    post(transactions)
    told = {"transactions": [transaction_payload(new) for new in transactions], **payload}
    heads = append([NewEvent(account_id, event, told, now)])
    transaction.on_commit(lambda: publish(heads), robust=True)
    return heads


def lock_accounts(account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock the accounts in id order and return them, with their fee schedules.

    The row is the lock for all that belongs to an account: balances, positions, lots, its orders'
    state and its event stream. Second in the lock order, after the shard.
    """
    rows = Account.objects.select_for_update(no_key=True, of=("self",)).order_by("id")
    found = rows.filter(id__in=set(account_ids)).select_related("fee_schedule")
    return {account.id: account for account in found}


def lock_in_order(account_ids: Collection[UUID]) -> None:
    """Lock the accounts as lock_accounts() does and read nothing of them. Only on PostgreSQL.

    That can be sent ahead (bengi/ahead.py).
    """
    ask_values(_LOCK, [array_of(account_ids)])


_LOCK = (
    "SELECT id FROM accounts_account WHERE id IN (SELECT * FROM unnest(%s::uuid[]))"
    " ORDER BY id FOR NO KEY UPDATE"
)
