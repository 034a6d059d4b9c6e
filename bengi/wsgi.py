"""Where a WSGI server comes in: pages and API; the stream needs the ASGI door."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
django = get_wsgi_application()

# The door imports models, so it comes after Django has been set up.
from bengi.order_door import OrderDoor  # noqa: E402

application = OrderDoor(django)
