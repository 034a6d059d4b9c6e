from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "trades.notices"
    label = "notices"
    verbose_name = "Notifications"
