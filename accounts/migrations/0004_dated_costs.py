import datetime

import bengi.fields
import bengi.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("accounts", "0003_money")]

    operations = [
        migrations.CreateModel(
            name="RegulatoryRate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=bengi.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.SlugField()),
                ("effective_from", models.DateField()),
                ("per_million", bengi.fields.ExactField(default=0)),
                ("per_share", bengi.fields.ExactField(default=0)),
                ("cap", bengi.fields.MoneyField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "effective_from"), name="regulatory_rate_dated"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="feeschedule",
            name="effective_from",
            field=models.DateField(default=datetime.date(1970, 1, 1)),
        ),
        migrations.AddField(
            model_name="feeschedule",
            name="tiers",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name="feeschedule",
            name="code",
            field=models.SlugField(),
        ),
        migrations.AlterField(
            model_name="feeschedule",
            name="kind",
            field=models.CharField(
                choices=[
                    ("zero", "zero"),
                    ("flat_rate", "flat rate"),
                    ("per_share", "per share"),
                    ("tiered", "tiered"),
                    ("custom", "custom"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="book",
            field=models.CharField(
                choices=[
                    ("customer_cash", "customer cash"),
                    ("clearing", "clearing"),
                    ("commission", "commission"),
                    ("fees", "fees"),
                    ("external", "external"),
                    ("fx", "fx"),
                    ("rounding", "rounding"),
                    ("house", "house"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="feeschedule",
            constraint=models.UniqueConstraint(
                fields=("code", "effective_from"), name="fee_schedule_dated"
            ),
        ),
    ]
