"""Who somebody is, and how they prove it: an app of its own beneath accounts."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "accounts.identity"
    label = "identity"
    verbose_name = "Sign-ins"
    default_auto_field = "django.db.models.BigAutoField"
