"""The pure modules stay pure: importing them in a fresh interpreter loads no framework."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
PURE = next(c for c in CONTRACTS if c["name"].startswith("The pure modules"))


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages a fresh interpreter holds after the statement."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", PURE["source_modules"])
def test_a_pure_module_loads_no_framework(module):
    assert loaded_by(f"import {module}") & set(PURE["forbidden_modules"]) == set()


def test_the_check_sees_a_framework():
    assert "django" in loaded_by("import bengi.fields")


def test_serving_loads_no_calendar_library():
    """exchange_calendars and pandas take seconds; the facts they gave stand in a file."""
    setup = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'bengi.settings.test'"
    loaded = loaded_by(f"{setup}; import bengi.asgi, bengi.embedded, bengi.urls, instruments.days")
    assert "instruments" in loaded
    assert loaded & {"exchange_calendars", "pandas", "numpy"} == set()


def test_without_its_setting_mongodb_is_not_loaded():
    setup = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'bengi.settings.dev'; "
        "os.environ.pop('MONGODB_URI', None); import bengi.asgi"
    )
    parts = "bengi.embedded, bengi.urls, bengi.celery, instruments.tasks, instruments.archive_loop"
    asked = "from instruments.series import read_series; from bengi.mongo import is_used"
    loaded = loaded_by(f"{setup}; import {parts}; {asked}; assert not is_used()")
    assert {"django", "celery"} <= loaded
    assert loaded & {"pymongo", "bson"} == set()


def test_a_read_without_the_setting_does_not_load_it(tmp_path):
    setup = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'bengi.settings.dev'; "
        f"os.environ['BENGI_DATABASE'] = {str(tmp_path / 'x.sqlite3')!r}; "
        "os.environ.pop('MONGODB_URI', None); import django; django.setup(); "
        "from django.core.management import call_command; call_command('migrate', verbosity=0); "
        "from bengi.clock import now; from instruments.models import Instrument; "
        "from instruments.series import Wanted, read_series; "
        "from instruments.services import prune_bars; prune_bars(now()); "
        "read_series(Instrument(), Wanted('1min', now()))"
    )
    assert loaded_by(setup) & {"pymongo", "bson"} == set()
