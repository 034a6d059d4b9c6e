"""Lab: many threads spend the same cash at once. Prints how many orders were accepted, as JSON.

python -m tests.labs.double_spend THREADS AFFORDABLE
"""

import json
import sys
import threading
from collections import Counter
from decimal import Decimal

from tests.labs.stage import PRICE, SYMBOL, quote, set_up


def main(threads: int, affordable: int) -> None:
    stage = set_up(PRICE * affordable)

    from django.db import connection

    from accounts.models import Account
    from bengi import clock
    from bengi.books import check_books
    from bengi.errors import BengiError
    from bengi.terms import OrderType, Side, TimeInForce
    from orders.fast_lane import admit
    from orders.tickets import OrderTicket

    quote(stage)
    answers: Counter[str] = Counter()
    start = threading.Barrier(threads)

    def spend(number: int) -> None:
        ticket = OrderTicket(
            account_id=stage.account_id,
            portfolio_id=stage.portfolio_id,
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            quantity=Decimal(1),
            limit_price=PRICE,
            client_order_id=f"spend-{number}",
            confirm_duplicate=True,
        )
        start.wait()
        try:
            Account.objects.exists()  # as a request that has looked up who asks
            admit(ticket, now=clock.now())
            answers["accepted"] += 1
        except BengiError as error:
            answers[error.code] += 1
        finally:
            connection.close()

    crew = [threading.Thread(target=spend, args=(number,)) for number in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    wrong = [line for lines in check_books().values() for line in lines]
    print(json.dumps({"answers": answers, "wrong": wrong, "vendor": connection.vendor}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
