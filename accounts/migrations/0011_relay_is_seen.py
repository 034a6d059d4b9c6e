"""Dealers and admins see which relay publishes the event log, and how far it is behind."""

from django.db import migrations


def let_see(apps, schema_editor):
    """Give the permission, which is made here because Django makes it only after migrating."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="events", model="relaylease"
    )
    seen, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type,
        codename="view_relaylease",
        defaults={"name": "Can view relay"},
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=["dealer", "admin"]):
        group.permissions.add(seen)


def let_not_see(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(codename="view_relaylease").delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_sign_in_epoch")]

    operations = [migrations.RunPython(let_see, let_not_see)]
