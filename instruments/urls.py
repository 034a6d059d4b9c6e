"""Addresses of finding things."""

from django.urls import path

from instruments import views

urlpatterns = [
    path("search", views.search, name="search"),
    path("licences", views.licences, name="licences"),
]
