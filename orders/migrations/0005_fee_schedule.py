from django.db import migrations, models
from django.db.models import OuterRef, Subquery
import django.db.models.deletion

import bengi.fields


def pin_the_accounts_schedule(apps, schema_editor):
    """Give every order the schedule that its account has: until now there was one for all time."""
    account = apps.get_model("accounts", "Account")
    own = account.objects.filter(id=OuterRef("account_id")).values("fee_schedule_id")[:1]
    apps.get_model("orders", "Order").objects.update(fee_schedule_id=Subquery(own))


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0004_dated_costs"),
        ("orders", "0004_expires_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="fees",
            field=bengi.fields.MoneyField(default=0),
        ),
        migrations.AddField(
            model_name="order",
            name="month_volume",
            field=bengi.fields.QuantityField(default=0),
        ),
        migrations.AddField(
            model_name="order",
            name="fee_schedule",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.feeschedule",
            ),
        ),
        migrations.RunPython(pin_the_accounts_schedule, migrations.RunPython.noop),
    ]
