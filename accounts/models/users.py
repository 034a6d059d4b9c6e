"""Who trades."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from bengi.ids import new_id
from bengi.writing import LOCALES


class UserManager(BaseUserManager["User"]):
    """Users are found by e-mail in any case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    theme = models.CharField(
        max_length=8, blank=True, default="", choices=[("light", "light"), ("dark", "dark")]
    )
    updown = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=[("red-up", "red up"), ("blue-orange", "blue and orange")],
    )

    locale = models.CharField(
        max_length=8, blank=True, default="", choices=[(each.code, each.name) for each in LOCALES]
    )
    time_zone = models.CharField(max_length=64, blank=True, default="")
    is_discreet = models.BooleanField(default=False)
    confirms_orders = models.BooleanField(default=True)
    uses_shortcuts = models.BooleanField(default=True)

    sign_in_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Let every sign-in end with the password, the roles and the epoch it began under."""
        facts = (self.password, self.is_active, self.is_staff, self.is_superuser)
        said = "|".join(map(str, (*facts, self.sign_in_epoch)))
        salt = "accounts.models.User.sign_in"
        return salted_hmac(salt, said, secret=secret, algorithm="sha256").hexdigest()
