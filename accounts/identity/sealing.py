"""Keys from the one secret of the installation, and what is done with them."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def derived_key(purpose: str, secret: str | None = None) -> bytes:
    """Return 32 bytes for one purpose; those of another purpose tell nothing about them."""
    master = (secret or settings.SECRET_KEY).encode()
    return hmac.digest(master, f"bengi.identity.{purpose}".encode(), "sha256")


def digest(secret: str) -> str:
    """Return what is kept of a secret of 256 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def seal(text: str) -> str:
    """Encrypt what has to be read again, for the database."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed, also under an older secret of SECRET_KEY_FALLBACKS."""
    return _box().decrypt(sealed.encode()).decode()


def _box() -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _box_of(secrets: tuple[str, ...]) -> MultiFernet:
    keys = [urlsafe_b64encode(derived_key("seal", secret)) for secret in secrets]
    return MultiFernet([Fernet(key) for key in keys])
