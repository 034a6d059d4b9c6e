"""Bugs that the walks must catch in what issuers, staff and the orders of a group do."""

from tests.state.planted import Bug

OTHERS = [
    Bug(
        "a split is applied twice",
        "trades.corporate.splitting",
        "apply_split",
        "action.status, action.applied_at = CorporateActionStatus.APPLIED, now",
        "action.applied_at = now",
    ),
    Bug(
        "lots are split twice",
        "trades.corporate.holdings",
        "_split_position",
        "    holding = split_holding(",
        "    for lot in lots if rows.ratio.old == 1 else []:\n"
        "        lot.quantity *= rows.ratio.new\n"
        "        lot.remaining_quantity *= rows.ratio.new\n"
        "    holding = split_holding(",
    ),
    Bug(
        "open orders are split twice",
        "trades.corporate.orders",
        "split_orders",
        "            _adjust(rows, order)",
        "            _adjust(rows, order)\n"
        "            if order.is_open:\n"
        "                _adjust(rows, order)",
    ),
    Bug(
        "what has been filled is split with what has not",
        "trades.corporate.orders",
        "terms_of",
        "quantity=order.leaves_quantity",
        "quantity=order.quantity",
    ),
    Bug(
        "a buy may pay more after a split",
        "orders.splits",
        "split_terms",
        "nearer, away = (floor_to, ceil_to) if buys",
        "nearer, away = (ceil_to, ceil_to) if buys",
    ),
    Bug(
        "a fraction is worth an old share",
        "trades.corporate.rows",
        "_price_in_lieu",
        "return action.ratio.price(last or ZERO)",
        "return Fraction(last or ZERO)",
    ),
    Bug(
        "who sells on the ex-date gets no dividend",
        "trades.corporate.dividends",
        "entitle",
        "entitlements(action, action.effective_at)",
        "entitlements(action, now)",
    ),
    Bug(
        "who takes a trade back keeps its commission",
        "trades.undoing",
        "undo",
        "order.commission -= trade.commission",
        "pass",
    ),
    Bug(
        "a sale that is taken back leaves its proceeds",
        "trades.undoing",
        "_undo_sale",
        "undone.uses.append(_use(rows, row, bust, row.remaining_amount))",
        "pass",
    ),
    Bug(
        "what was built on a sale is not in the way of its bust",
        "trades.obstacles",
        "check_undoable",
        "_check_later_sales(trades)",
        "pass",
    ),
    Bug(
        "what was busted is worked again",
        "trades.undoing",
        "undo",
        "order.busted_quantity += trade.quantity",
        "pass",
    ),
    Bug(
        "by hand everything goes",
        "trades.manual",
        "_errors",
        "yield from beyond_limit(order, wanted.price)",
        "pass",
    ),
    Bug(
        "both legs of a pair sell",
        "trades.matching.groups",
        "Groups._after_leg",
        "news.size(leg, -outcome.quantity)",
        "continue",
    ),
    Bug(
        "legs do not wait for their entry",
        "trades.groups",
        "join",
        "if order.waits_for_entry:",
        "if False:",
    ),
    Bug(
        "a leg that is canceled leaves the other one",
        "trades.matching.groups",
        "Groups._after_leg",
        "if not isinstance(outcome, Fill) or not leg.leaves:",
        "if not leg.leaves:",
    ),
    Bug(
        "legs are for all that their entry wants, not for what it has",
        "trades.matching.groups",
        "Groups._feed",
        "news.size(leg, fill.quantity)",
        "news.size(leg, fill.quantity + fill.leaves)",
    ),
    Bug(
        "a trailing leg starts where its entry was placed",
        "trades.matching.groups",
        "Groups._release",
        "start_behind(leg, group.price)",
        "start_behind(leg, group.price - group.price // 100)",
    ),
]
