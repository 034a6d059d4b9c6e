"""Sets Django up on import: for the process that a lab forks its victims from."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
django.setup()
