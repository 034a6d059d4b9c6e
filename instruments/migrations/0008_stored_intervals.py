"""Only bars of the intervals that are stored can be stored; a migration of its own, so that
PostgreSQL alters no table with changes of its rows still pending.
"""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("instruments", "0007_interval_names")]

    operations = [
        migrations.AddConstraint(
            model_name="bar",
            constraint=models.CheckConstraint(
                condition=Q(interval__in=("1min", "5min", "15min", "1h", "1day")),
                name="bar_interval_is_stored",
            ),
        ),
    ]
