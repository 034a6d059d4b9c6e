"""Addresses of the settings."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.preferences import views
from accounts.security import views as security

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="settings-profile"), name="settings"),
    path("/profile", views.profile, name="settings-profile"),
    path("/email", views.email, name="settings-email"),
    path("/email/keep", views.keep_email, name="settings-keep-email"),
    path("/password", views.password, name="settings-password"),
    path("/appearance", views.appearance, name="settings-appearance"),
    path("/trading", views.trading, name="settings-trading"),
    path("/switch", views.switch, name="settings-switch"),
    path("/sessions", security.sessions, name="settings-sessions"),
    path("/sessions/end-others", security.end_others, name="settings-end-others"),
    path("/sessions/<uuid:sign_in_id>/end", security.end_session, name="settings-end-session"),
    path("/second-factor", security.factor, name="settings-factor"),
    path("/second-factor/confirm", security.confirm_factor, name="settings-confirm-factor"),
    path("/second-factor/codes", security.new_codes, name="settings-new-codes"),
    path("/second-factor/off", security.turn_off_factor, name="settings-factor-off"),
    path("/api-keys", security.keys, name="settings-keys"),
    path("/api-keys/<uuid:key_id>/revoke", security.revoke, name="settings-revoke-key"),
]
