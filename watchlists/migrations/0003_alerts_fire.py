"""Alerts fire: from when prints count, and whether the mail has gone."""

from django.db import migrations, models
from django.db.models import F, Q


def arm(apps, schema_editor):
    """Alerts that wait count from when they were set; nobody is written to about the past."""
    alerts = apps.get_model("watchlists", "PriceAlert").objects
    alerts.update(armed_at=F("created_at"), mailed_at=F("fired_at"))


class Migration(migrations.Migration):
    dependencies = [("watchlists", "0002_price_alerts")]

    operations = [
        migrations.AddField("pricealert", "armed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "pricealert", "mailed_at", models.DateTimeField(null=True, blank=True)
        ),
        migrations.RunPython(arm, migrations.RunPython.noop),
        migrations.AlterField("pricealert", "armed_at", models.DateTimeField()),
        migrations.AddIndex(
            "pricealert",
            models.Index(
                fields=["fired_at"],
                condition=Q(fired_at__isnull=False, mailed_at__isnull=True),
                name="alerts_to_mail",
            ),
        ),
    ]
