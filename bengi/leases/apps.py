from django.apps import AppConfig


class LeasesConfig(AppConfig):
    name = "bengi.leases"
    label = "leases"
    verbose_name = "Leases"
