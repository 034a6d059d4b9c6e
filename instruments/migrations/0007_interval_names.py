"""Bars take the names that intervals have in the API: 1min for 1m, 1day for 1d."""

from typing import Any

from django.db import migrations, models

STORED = ("1min", "5min", "15min", "1h", "1day")
NAMES = {"1m": "1min", "5m": "5min", "15m": "15min", "1d": "1day"}


def rename(apps: Any, _: Any) -> None:
    bars = apps.get_model("instruments", "Bar").objects
    for old, new in NAMES.items():
        bars.filter(interval=old).update(interval=new)


def rename_back(apps: Any, _: Any) -> None:
    bars = apps.get_model("instruments", "Bar").objects
    for old, new in NAMES.items():
        bars.filter(interval=new).update(interval=old)


class Migration(migrations.Migration):
    dependencies = [("instruments", "0006_halt_permission")]

    operations = [
        migrations.AlterField(
            model_name="bar",
            name="interval",
            field=models.CharField(max_length=6, choices=[(name, name) for name in STORED]),
        ),
        migrations.RunPython(rename, rename_back),
    ]
