"""Who has done what with a right that not everybody has. Written once, never changed.

The database itself refuses to change or delete a row (migrations/0002_append_only.py).
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bengi.ids import new_id

TARGET_LENGTH_MAX = 200


class AuditEntry(models.Model):
    """One privileged action. Without an actor it was done at the command line, or by nobody known.

    target names what it was done to, as "instrument <id>"; cut where a stranger has typed more.
    stream and seq are those of the event that tells the same, where there is one. address and
    request_id are of the request, if any.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=TARGET_LENGTH_MAX, blank=True)
    details = models.JSONField(default=dict, blank=True)
    stream = models.UUIDField(null=True, blank=True)
    seq = models.BigIntegerField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "seq"],
                condition=Q(stream__isnull=False),
                name="one_audit_entry_per_event",
            ),
            models.CheckConstraint(
                condition=Q(stream__isnull=True, seq__isnull=True)
                | Q(stream__isnull=False, seq__isnull=False),
                name="audit_names_a_whole_event",
            ),
        ]
        indexes = [
            models.Index(fields=["at"], name="audit_by_day"),
            models.Index(fields=["action", "id"], name="audit_by_action"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}".strip()
