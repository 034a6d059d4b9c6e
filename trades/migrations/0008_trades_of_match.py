
from django.db import migrations, models

from bengi.live_schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('accounts', '0012_fewer_indexes'),
        ('instruments', '0008_stored_intervals'),
        ('orders', '0014_fewer_indexes'),
        ('portfolios', '0005_fewer_indexes'),
        ('trades', '0007_fewer_indexes'),
    ]

    operations = [
        AddIndexLive(
            model_name='trade',
            index=models.Index(condition=models.Q(('match_id__isnull', False)), fields=['match_id'], name='trades_of_match'),
        ),
    ]
