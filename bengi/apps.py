"""The project package as an app: it brings the management commands and the error pages."""

from django.apps import AppConfig


class BengiConfig(AppConfig):
    name = "bengi"
    verbose_name = "Bengi"
