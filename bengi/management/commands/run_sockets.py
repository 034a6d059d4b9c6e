"""`manage.py run_sockets`: the stream at /ws, and everything else as well, from one process."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bengi.bus import get_bus
from bengi.management.serving import check_port, server
from bengi.threads import Crew
from instruments.days import CalendarWatch


class Command(BaseCommand):
    help = "Serve sockets, pages and API; engine and market are other processes'."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        check_port(host, port)
        serving = server(host, port, lambda: self._announce(host, port))
        crew = Crew()
        crew.add("calendar", CalendarWatch())
        try:
            serving.run()
        finally:
            crew.stop()
            get_bus().close()
            self.stdout.write("Stopped.")

    def _announce(self, host: str, port: int) -> None:
        self.stdout.write(f"Sockets are at ws://{host}:{port}/ws")
        self.stdout.flush()
