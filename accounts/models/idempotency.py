"""Requests that were answered, by the key that they came with."""

from django.db import models

from accounts.models.users import User
from bengi.ids import new_id


class IdempotencyKey(models.Model):
    """A caller's key and the answer it was given, so that asking again does nothing again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    answer = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "route", "key"], name="idempotency_key_once")
        ]
        indexes = [models.Index(fields=["user", "created_at"], name="idempotency_keys_by_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
