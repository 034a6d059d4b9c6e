from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "bengi.audit"
    label = "audit"
    verbose_name = "Audit"
