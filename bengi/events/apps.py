from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "bengi.events"
    label = "events"
    verbose_name = "Events"
