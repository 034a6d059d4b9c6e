"""The project package as an app: it brings the management commands and the error pages.

It also joins what stands on different floors, in every process: see bengi/market_data.py.
"""

from django.apps import AppConfig
from django.conf import settings


class BengiConfig(AppConfig):
    name = "bengi"
    verbose_name = "Bengi"

    def ready(self) -> None:
        """Join the floors; where there is a broker, tasks are sent through our Celery."""
        from bengi.market_data import connect  # noqa: PLC0415 - models are ready only now

        connect()
        if settings.CELERY_BROKER_URL:
            import bengi.celery  # noqa: F401, PLC0415
