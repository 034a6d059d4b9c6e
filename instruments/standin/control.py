"""The paths by which somebody on this machine looks into the stand-in and asks for faults.

GET /_state         what has been used, who listens, which faults are under way
POST /_faults       a fault as JSON; answers with its number
DELETE /_faults     ends all of them
"""

import ipaddress
import json
from collections.abc import Iterable
from datetime import datetime

import msgspec

from instruments.standin.faults import Active, read_fault
from instruments.standin.service import Answer, Request, Service
from instruments.standin.stream import Subscriber

PREFIX = "/_"


def control(
    service: Service,
    request: Request,
    peer: str,
    sockets: Iterable[Subscriber],
    now: datetime,
    wall: datetime,
) -> Answer:
    """Answer a request to a control path, which only this machine may send."""
    if not ipaddress.ip_address(peer).is_loopback:
        return _answer(403, {"message": "Only this machine may ask for faults."})
    match request.method, request.path:
        case "GET", "/_state":
            return _answer(200, state(service, sockets, now, wall))
        case "POST", "/_faults":
            return _add(service, request, wall)
        case "DELETE", "/_faults":
            service.faults.clear()
            return _answer(200, {"faults": []})
    return _answer(404, {"message": "GET /_state, POST /_faults, DELETE /_faults"})


def state(
    service: Service, sockets: Iterable[Subscriber], now: datetime, wall: datetime
) -> dict[str, object]:
    """Return what the stand-in is at."""
    return {
        "now": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "plan": service.plan.name,
        "credits": {
            key: {"minute": meter.in_minute(wall), "day": meter.in_day(wall)}
            for key, meter in service.meters.items()
        },
        "requests": len(service.requests),
        "sockets": [sorted(each.symbol for each in one.listed.values()) for one in sockets],
        "faults": [_shape(active) for active in service.faults.under_way(wall)],
    }


def _add(service: Service, request: Request, wall: datetime) -> Answer:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return _answer(415, {"message": "A fault comes as application/json."})
    try:
        fault = read_fault(request.body)
    except ValueError as error:
        return _answer(400, {"message": str(error)})
    return _answer(201, _shape(service.faults.add(fault, wall)))


def _shape(active: Active) -> dict[str, object]:
    fault = msgspec.to_builtins(active.fault)
    return {"number": active.number, "struck": active.struck, **fault}


def _answer(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode(), {})
