from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [("orders", "0005_fee_schedule")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="fee_schedule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.feeschedule",
            ),
        ),
    ]
