"""What a ticket is counted against is that of an account and an instrument."""

from django.db import migrations, models

from bengi.live_schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0014_fewer_indexes")]
    operations = [
        AddIndexLive(
            model_name="order",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["account", "instrument"],
                name="open_orders_by_account",
            ),
        ),
        AddIndexLive(
            model_name="order",
            index=models.Index(
                fields=["account", "instrument", "accepted_at"], name="recent_orders_by_account"
            ),
        ),
        migrations.RemoveIndex(model_name="order", name="open_orders_of_account"),
        migrations.RemoveIndex(model_name="order", name="recent_orders_of_account"),
    ]
