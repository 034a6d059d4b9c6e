"""Addresses of notifications."""

from django.urls import path

from trades.notices import views

urlpatterns = [
    path("notifications", views.notifications, name="notifications"),
    path("notifications/unread", views.unread, name="notifications_unread"),
    path("notifications/read", views.read, name="notifications_read"),
]
