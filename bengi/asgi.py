"""Where an ASGI server comes in: pages and API over HTTP, the stream over /ws."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
http = get_asgi_application()

# The consumer imports models, so it comes after Django has been set up.
from bengi.consumers import NoSuchSocket, StreamConsumer  # noqa: E402

websocket = URLRouter(
    [
        path("ws", AuthMiddlewareStack(StreamConsumer.as_asgi())),
        path("ws/", AuthMiddlewareStack(StreamConsumer.as_asgi())),
        re_path("", NoSuchSocket.as_asgi()),
    ]
)

application = ProtocolTypeRouter({"http": http, "websocket": websocket})
