"""What people may set of themselves: their name, and how pages are for them."""

from typing import Any
from uuid import UUID

from accounts.identity.standing import forget
from accounts.models import User


def change_profile(user: User, values: dict[str, Any], *, sign_in_id: UUID | None = None) -> None:
    """Keep fields of the user, who has them at once; sign_in_id: by which sign-in that is."""
    if values:
        User.objects.filter(pk=user.pk).update(**values)
    for name, value in values.items():
        setattr(user, name, value)
    if sign_in_id is not None:
        forget(sign_in_id)
