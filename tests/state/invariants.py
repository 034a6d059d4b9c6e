"""Invariants of the books as plain SQL, cheap enough for every step of every walk.

They share nothing with bengi/books.py, whose check_books runs beside them less often. Each query
yields the rows that are wrong; the numbers are those of docs/invariants.md. Amounts are integers of
hundred-millionths here (SQLite), so that sums and comparisons are exact.
"""

from django.db import connection

QUERIES = {
    "1 a transaction sums to zero": """
        SELECT transaction_id, currency, SUM(amount) FROM accounts_ledgerentry
        GROUP BY transaction_id, currency HAVING SUM(amount) <> 0""",
    "2 a balance is the sum of its entries": """
        SELECT b.account_id, b.currency, b.amount, SUM(COALESCE(e.amount, 0))
        FROM accounts_cashbalance b LEFT JOIN accounts_ledgerentry e
          ON e.account_id = b.account_id AND e.currency = b.currency AND e.book = 'customer_cash'
        GROUP BY b.id HAVING b.amount <> SUM(COALESCE(e.amount, 0))""",
    "2 a trade moved cash by its net amount, once": """
        SELECT t.exec_id, t.net_amount FROM trades_trade t
        LEFT JOIN accounts_ledgertransaction x ON REPLACE(x.reference, '-', '') = t.exec_id
        LEFT JOIN accounts_ledgerentry e ON e.transaction_id = x.id AND e.book = 'customer_cash'
        WHERE t.busts_id IS NULL
        GROUP BY t.exec_id HAVING SUM(COALESCE(e.amount, 0)) <> t.net_amount""",
    "3 no balance is below what is reserved of it": """
        SELECT account_id, currency, amount, reserved FROM accounts_cashbalance
        WHERE reserved < 0 OR reserved > amount""",
    "5 cash moves in whole cents": """
        SELECT id, amount FROM accounts_ledgerentry
        WHERE book NOT IN ('fx', 'rounding') AND amount % 1000000 <> 0""",
    "6 an order's costs are those of its trades": """
        SELECT o.id, o.commission, o.fees FROM orders_order o
        LEFT JOIN trades_trade t ON t.order_id = o.id
        GROUP BY o.id HAVING o.commission <> SUM(COALESCE(t.commission, 0))
          OR o.fees <> SUM(COALESCE(t.fees, 0))""",
    "9 reserved cash is what open buys hold": """
        SELECT b.account_id, b.reserved, SUM(COALESCE(o.reserved, 0))
        FROM accounts_cashbalance b
        LEFT JOIN instruments_instrument i ON i.currency = b.currency
        LEFT JOIN orders_order o ON o.account_id = b.account_id AND o.instrument_id = i.id
        GROUP BY b.id HAVING b.reserved <> SUM(COALESCE(o.reserved, 0))""",
    "10 a closed order holds nothing, and says when it closed": """
        SELECT id, status, reserved, closed_at FROM orders_order
        WHERE (status IN {closed} AND reserved <> 0)
          OR (status IN {closed}) <> (closed_at IS NOT NULL)""",
    "12 reserved shares are what open sells have left to sell": """
        SELECT p.id, p.reserved_quantity FROM portfolios_position p
        LEFT JOIN orders_order o ON o.portfolio_id = p.portfolio_id
          AND o.instrument_id = p.instrument_id AND o.side = 'sell' AND o.status NOT IN {closed}
        LEFT JOIN orders_order r ON r.id = o.replaces_id
        GROUP BY p.id HAVING p.reserved_quantity <> SUM(COALESCE(CASE o.status
          WHEN 'held' THEN
            CASE WHEN o.leg = '' THEN MAX(0, o.quantity - r.quantity) ELSE 0 END
          ELSE CASE WHEN o.leg = 'take_profit' AND o.order_class <> 'oto'
            OR (o.parent_id IS NOT NULL AND o.released_at IS NULL) THEN 0
            ELSE o.quantity - o.filled_quantity - o.busted_quantity END END, 0))""",
    "21 of a pair one leg sells, and no more than its entry has bought": """
        SELECT g.group_id FROM orders_order g
        WHERE g.leg <> '' AND g.instrument_id NOT IN (
          SELECT instrument_id FROM instruments_corporateaction
          WHERE status = 'applied' AND ratio_to IS NOT NULL)
        GROUP BY g.group_id
        HAVING SUM(g.filled_quantity) >
            COALESCE((SELECT SUM(e.filled_quantity + e.busted_quantity) FROM orders_order e
                      WHERE e.group_id = g.group_id AND e.leg = ''), MAX(g.quantity))
          OR (MAX(g.order_class) = 'oco' AND SUM(g.status = 'filled' AND g.leg = 'take_profit')
            + SUM(g.triggered_at IS NOT NULL AND g.status = 'filled') > 1)""",
    "21 what waits for its entry has none of it": """
        SELECT l.id FROM orders_order l JOIN orders_order e ON e.id = l.parent_id
        WHERE l.released_at IS NULL AND l.closed_at IS NULL
          AND e.filled_quantity + e.busted_quantity > 0""",
    "13, 14 an order has filled what its trades say": """
        SELECT o.id, o.filled_quantity, o.filled_value FROM orders_order o
        LEFT JOIN trades_trade t ON t.order_id = o.id
        GROUP BY o.id HAVING o.filled_quantity <> SUM(COALESCE(t.quantity, 0))
          OR o.filled_quantity + o.busted_quantity > o.quantity OR o.filled_quantity < 0
          OR o.busted_quantity < 0
          OR o.filled_value * 100000000 <> SUM(COALESCE(t.quantity * t.price, 0))""",
    "15 a trade is told once": """
        SELECT json_extract(payload, '$.trade.exec_id'), COUNT(*) FROM events_event
        WHERE type IN ('trade.executed', 'trade.busted') GROUP BY 1 HAVING COUNT(*) <> 1""",
    "15, 18 a trade is busted once, by its own amounts turned": """
        SELECT b.exec_id, t.exec_id FROM trades_trade b
        LEFT JOIN trades_trade t ON t.exec_id = b.busts_id WHERE b.busts_id IS NOT NULL
        GROUP BY b.busts_id HAVING COUNT(*) <> 1 OR t.busts_id IS NOT NULL
          OR b.quantity <> -t.quantity OR b.net_amount <> -t.net_amount OR b.price <> t.price""",
    "17, 18 nothing follows the end of an order": """
        SELECT a.subject, a.type, b.type FROM events_event a
        JOIN events_event b ON b.subject = a.subject AND b.seq > a.seq
        WHERE a.type IN ('order.filled', 'order.canceled', 'order.expired', 'order.replaced',
          'order.rejected') AND b.type NOT IN ('order.corrected', 'trade.busted')
          AND json_extract(b.payload, '$.trade.corrects') IS NULL""",
    "19 no trade is worse than its limit, or before its stop has fired": """
        SELECT t.exec_id, t.price FROM trades_trade t JOIN orders_order o ON o.id = t.order_id
        WHERE (t.side = 'buy' AND t.price > COALESCE(o.limit_price, o.protection_price, t.price))
          OR (t.side = 'sell' AND t.price < COALESCE(o.limit_price, t.price))
          OR (o.stop_price IS NOT NULL AND o.triggered_at IS NULL) OR t.side <> o.side""",
    "20 the street trades on a quote that is young enough for the order": """
        SELECT t.exec_id, t.executed_at, t.quote_as_of FROM trades_trade t
        JOIN orders_order o ON o.id = t.order_id WHERE t.liquidity = 'street'
          AND (julianday(t.executed_at) - julianday(t.quote_as_of)) * 86400 > 0.001
            + CASE o.realism WHEN 'instant' THEN 60 WHEN 'harsh' THEN 5 ELSE 15 END""",
    "22 a key makes one order": """
        SELECT account_id, client_order_id, COUNT(*) FROM orders_order
        GROUP BY account_id, client_order_id HAVING COUNT(*) > 1""",
    "24 a match has a buyer and a seller who are not the same": """
        SELECT match_id, COUNT(*) FROM trades_trade WHERE match_id IS NOT NULL
          AND busts_id IS NULL AND exec_id NOT IN
            (SELECT busts_id FROM trades_trade WHERE busts_id IS NOT NULL)
        GROUP BY match_id HAVING COUNT(*) <> 2 OR COUNT(DISTINCT account_id) <> 2
          OR COUNT(DISTINCT side) <> 2 OR MIN(quantity) <> MAX(quantity)
          OR MIN(price) <> MAX(price)""",
    "25 a position is the sum of its lots": """
        SELECT p.id, p.quantity FROM portfolios_position p LEFT JOIN portfolios_lot l
          ON l.portfolio_id = p.portfolio_id AND l.instrument_id = p.instrument_id
        GROUP BY p.id HAVING p.quantity <> SUM(COALESCE(l.remaining_quantity, 0))
          OR p.reserved_quantity < 0 OR p.reserved_quantity > p.quantity""",
    "25 a position is the sum of its trades since it was split last": """
        WITH last AS ({last_splits})
        SELECT p.id, p.quantity FROM portfolios_position p
        LEFT JOIN last ON last.portfolio_id = p.portfolio_id
          AND last.instrument_id = p.instrument_id
        LEFT JOIN trades_trade t ON t.portfolio_id = p.portfolio_id
          AND t.instrument_id = p.instrument_id AND t.executed_at >= COALESCE(last.at, '')
        GROUP BY p.id HAVING p.quantity - COALESCE(last.quantity_after, 0) <>
          SUM(COALESCE(CASE t.side WHEN 'buy' THEN t.quantity ELSE -t.quantity END, 0))""",
    "25, 28 a split multiplies a holding once, down to the step": """
        SELECT s.id, s.quantity_before, s.quantity_after FROM portfolios_positionsplit s
        JOIN instruments_corporateaction a ON a.id = s.action_id
        JOIN instruments_instrument i ON i.id = a.instrument_id
        WHERE s.quantity_after % i.quantity_step <> 0
          OR s.quantity_after * a.ratio_from > s.quantity_before * a.ratio_to
          OR (s.quantity_after + i.quantity_step) * a.ratio_from <= s.quantity_before * a.ratio_to
          OR s.cost_after + s.cost_closed <> s.cost_before OR a.status <> 'applied'
          OR (SELECT COUNT(*) FROM portfolios_positionsplit o WHERE o.action_id = s.action_id
              AND o.portfolio_id = s.portfolio_id) <> 1""",
    "26, 28 what is left of a lot is what its closings left since it was split last": """
        WITH last AS (
          SELECT n.lot_id, n.remaining_after, MAX(a.effective_at) AS at
          FROM portfolios_lotsplit n JOIN portfolios_positionsplit s ON s.id = n.split_id
          JOIN instruments_corporateaction a ON a.id = s.action_id GROUP BY n.lot_id)
        SELECT l.id FROM portfolios_lot l LEFT JOIN portfolios_lotclosing c ON c.lot_id = l.id
        LEFT JOIN last ON last.lot_id = l.id
        GROUP BY l.id HAVING l.busted_by IS NULL AND (
          l.remaining_quantity <> COALESCE(last.remaining_after, l.quantity)
            - SUM(CASE WHEN c.closed_at >= COALESCE(last.at, '') THEN c.quantity ELSE 0 END)
          OR l.remaining_cost <> l.cost + l.cost_shift - SUM(COALESCE(c.cost, 0))
          OR (l.remaining_quantity = 0 AND l.remaining_cost <> 0))""",
    "27 a sale's closings take what it brought": """
        SELECT t.exec_id, t.net_amount FROM trades_trade t
        LEFT JOIN portfolios_lotclosing c ON c.trade_id = t.exec_id
        WHERE t.side = 'sell' GROUP BY t.exec_id
        HAVING SUM(COALESCE(c.proceeds, 0)) <> t.net_amount
          OR SUM(COALESCE(c.quantity, 0)) <> t.quantity
          OR SUM(COALESCE(c.realized_pnl, 0)) <> SUM(COALESCE(c.proceeds - c.cost, 0))""",
    "28 averaging moves cost and makes none": """
        SELECT portfolio_id, instrument_id, SUM(cost_shift) FROM portfolios_lot
        GROUP BY portfolio_id, instrument_id HAVING SUM(cost_shift) <> 0""",
    "30, 32 the newest event of an order tells where it stands": """
        SELECT o.id, o.status, e.type FROM orders_order o
        LEFT JOIN events_event e ON e.subject = o.id AND e.type LIKE 'order.%'
          AND e.seq = (SELECT MAX(n.seq) FROM events_event n
                       WHERE n.subject = o.id AND n.type LIKE 'order.%')
        WHERE e.id IS NULL OR json_extract(e.payload, '$.order.status') <> o.status
          OR ROUND(json_extract(e.payload, '$.order.filled_quantity') * 1e8) <> o.filled_quantity
          OR ROUND(json_extract(e.payload, '$.state.reserved') * 1e8) <> o.reserved""",
    "30 every trade is told": """
        SELECT exec_id FROM trades_trade WHERE exec_id NOT IN (
          SELECT REPLACE(json_extract(payload, '$.trade.exec_id'), '-', '') FROM events_event
          WHERE type IN ('trade.executed', 'trade.busted'))""",
    "31 seq counts from one without a gap": """
        SELECT s.id, s.seq, COUNT(e.id), MIN(e.seq), MAX(e.seq) FROM events_stream s
        LEFT JOIN events_event e ON e.stream_id = s.id GROUP BY s.id
        HAVING COUNT(e.id) <> s.seq OR MIN(e.seq) <> 1 OR MAX(e.seq) <> s.seq""",
}

_LAST_SPLITS = """
    SELECT s.id, s.portfolio_id, a.instrument_id, s.quantity_after, MAX(a.effective_at) AS at
    FROM portfolios_positionsplit s JOIN instruments_corporateaction a ON a.id = s.action_id
    GROUP BY s.portfolio_id, a.instrument_id"""
_CLOSED = "('filled', 'canceled', 'expired', 'replaced', 'rejected')"


def violations() -> list[str]:
    """Return a line for each row that breaks an invariant."""
    found = []
    with connection.cursor() as cursor:
        for name, query in QUERIES.items():
            cursor.execute(query.format(closed=_CLOSED, last_splits=_LAST_SPLITS))
            found += [f"{name}: {row}" for row in cursor.fetchall()]
    return found
