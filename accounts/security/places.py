"""Where somebody is signed in, in words: the device by what its browser says, the place by address.

Nothing is asked of anybody else: what an address belongs to is not known here, only of what kind
it is.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from accounts.identity.models import SignIn

# The first that is found counts: most browsers also say that they are like others.
_BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/", "Opera"),
    (r"(Firefox|FxiOS)/", "Firefox"),
    (r"(Chrome|CriOS|HeadlessChrome)/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"(curl|python|httpx|okhttp|Go-http)", "A program"),
)
_SYSTEMS = (
    (r"iPhone|iPod", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"CrOS", "ChromeOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Seat:
    """One sign-in as its person sees it."""

    sign_in: SignIn
    is_this: bool

    @property
    def device(self) -> str:
        return device_of(self.sign_in.user_agent, is_program=self.sign_in.kind == "token")

    @property
    def place(self) -> str:
        return place_of(self.sign_in.address)


def device_of(user_agent: str, *, is_program: bool) -> str:
    """Return Firefox on Linux, or as much of it as the words tell."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if is_program and browser in {"", "A program"}:
        return "A program"
    words = " on ".join(each for each in (browser, system) if each)
    return words or ("A program" if is_program else "An unknown browser")


def place_of(address: str) -> str:
    """Return what kind of place an address is: this machine, the local network, the internet."""
    try:
        known = ip_address(address)
    except ValueError:
        return "unknown place"
    known = getattr(known, "ipv4_mapped", None) or known
    if known.is_loopback:
        return "this machine"
    return "local network" if known.is_private or known.is_link_local else "internet"


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in known if re.search(sign, user_agent)), "")
