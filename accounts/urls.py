"""Addresses of coming in and of the account. Signing up needs more apps: see bengi/urls.py."""

from django.urls import include, path

from accounts import views
from accounts.identity import views as identity

urlpatterns = [
    path("", views.home, name="home"),
    path("signin", views.signin, name="signin"),
    path("signin/code", identity.code, name="signin-code"),
    path("signin/demo", views.demo, name="demo"),
    path("signout", views.signout, name="signout"),
    path("password/forgot", identity.forgot, name="forgot"),
    path("password/reset", identity.reset, name="reset"),
    path("verify-email", identity.verify_email, name="verify-email"),
    path("settings/theme", views.appearance, name="appearance"),
    path("settings", include("accounts.preferences.urls")),
    path("account", views.account, name="account"),
    path("account/facts", views.account_facts, name="account_facts"),
]
