"""The one place that writes the audit trail of identity."""

import importlib
import logging
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.models import User

logger = logging.getLogger(__name__)


def note(
    action: str,
    *,
    by: User | None,
    now: datetime,
    target: str = "",
    details: dict[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> None:
    """Keep who did what, when and from where; by is None for somebody unknown. No secrets."""
    try:
        audit: Any = importlib.import_module("bengi.audit.services")
    except ModuleNotFoundError:
        logger.info("%s %s", action, target)
        return
    audit.note(action, by=by, now=now, target=target, details=details or {}, request=request)
