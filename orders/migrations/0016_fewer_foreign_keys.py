"""What an order belongs to is not looked up at its commit; the books' check looks for what is missing.

Each key by itself: it keeps others from two tables, for a moment.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("accounts", "0012_fewer_indexes"),
        ("instruments", "0008_stored_intervals"),
        ("orders", "0015_indexes_by_instrument"),
    ]
    operations = [
        migrations.AlterField(
            model_name="order",
            name="account",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="accounts.account"),
        ),
        migrations.AlterField(
            model_name="order",
            name="fee_schedule",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.feeschedule"),
        ),
        migrations.AlterField(
            model_name="order",
            name="instrument",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="instruments.instrument"),
        ),
    ]
