"""Sign-ins, the tokens that go on with them, and keys for programs. No secret stands here.

Secrets are kept as SHA-256: they are 256 bits of chance, so nothing slower is needed.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bengi.ids import new_id


class SignIn(models.Model):
    """Somebody who came in: a browser with its session, or a program with a family of tokens.

    It holds while it has not ended, has not expired, and the person's stamp (see grants.py) is
    still the one it began with.
    """

    class Kind(models.TextChoices):
        SESSION = "session"
        TOKEN = "token"  # noqa: S105 - a kind

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    session_key = models.CharField(max_length=40, blank=True, default="")
    stamp = models.CharField(max_length=16)
    address = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="token", session_key="") | Q(kind="session") & ~Q(session_key=""),
                name="sign_in_has_a_session_or_tokens",
            )
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="sign_ins_of_user")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class RefreshToken(models.Model):
    """One link of a family. Spent once; its successor is reckoned from it, see refreshing.py."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sign_in: Any = models.ForeignKey(SignIn, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.id)


class ApiKey(models.Model):
    """A program's way in, with no more than its scopes allow."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "created_at"], name="api_keys_of_user")]

    def __str__(self) -> str:
        return self.name


def is_live(now: datetime | Now) -> Q:
    """Return the condition under which a key opens something."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


class PendingFactor(models.Model):
    """A second factor that somebody has been shown and has not confirmed yet; secret is sealed."""

    user: Any = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    secret = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)
