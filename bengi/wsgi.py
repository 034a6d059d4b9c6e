"""Where a WSGI server comes in: pages and API; the stream needs the ASGI door."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
application = get_wsgi_application()
