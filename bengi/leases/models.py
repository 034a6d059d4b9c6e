"""Who does what one process alone is to do: a row per duty."""

from django.db import models


class Lease(models.Model):
    """Who has a duty, until when. by says in words which process that is; holder None: nobody."""

    duty = models.CharField(max_length=20, primary_key=True)
    holder = models.UUIDField(null=True, editable=False)
    by = models.CharField(max_length=120)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.duty}: {self.by} until {self.expires_at}"
