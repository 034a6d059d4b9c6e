"""Lab: books with a little of everything in them, and a further order on books that were restored.

python -m tests.labs.books begin    on an empty database
python -m tests.labs.books go-on    on one with such books; prints what became of an order, as JSON
"""

import json
import os
import sys

import django


def main(what: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    begin() if what == "begin" else go_on()


def begin() -> None:
    """Trade, correct, and leave an order at work."""
    from trades.tests.desk import correct_a_little
    from trades.tests.world import assert_books_are_clean, open_world

    with open_world() as world:
        correct_a_little(world)
        abc, trader = world.instrument(), world.trader()
        world.tick(abc, "99.00", "100.00")
        world.place(trader, abc, "buy", 10)
        assert world.place(trader, abc, "sell", 10, limit="105.00", key="rests").status == "new"
        assert_books_are_clean()


def go_on() -> None:
    """Let a new engine fill the order that was at work, as after a restart."""
    from instruments.models import Instrument
    from orders.models import Order
    from trades.tests.world import assert_books_are_clean, open_world

    with open_world() as world:
        world.now = max(Order.objects.values_list("updated_at", flat=True))
        world.tick(Instrument.objects.get(symbol="ABC"), "106.00", "107.00")
        order = Order.objects.get(client_order_id="rests")
        assert_books_are_clean()
    print(json.dumps({"status": order.status, "average_price": str(order.average_price)}))


if __name__ == "__main__":
    main(sys.argv[1])
