"""The roles as groups: trader, dealer, admin. accounts/roles.py says what each may do.

Permissions are made here where they are missing, because Django makes them only after migrating.
"""

from django.db import migrations

ACCOUNTS = (
    "account feeschedule fxrate goodfaithviolation ledgeradjustment ledgerentry ledgertransaction "
    "regulatoryrate"
)
INSTRUMENTS = "bar calendarday calendaroverride corporateaction instrument quarantinedtick quote"
SEEN = {
    "accounts": ACCOUNTS,
    "events": "event",
    "instruments": INSTRUMENTS,
    "orders": "order risklimits tradinghalt",
    "portfolios": "dividendentitlement positionsplit",
    "trades": "setaside trade tradecorrection",
}
OWN = {
    "freeze_account": ("account", "Can freeze accounts and release them"),
    "halt_instrument": ("instrument", "Can halt instruments and set them going again"),
    "cancel_any_order": ("order", "Can ask for anybody's orders to be canceled"),
    "correct_trade": ("trade", "Can ask for trades to be busted or adjusted, and approve it"),
    "execute_trade": ("trade", "Can execute orders by hand"),
}
DEALER = {
    "accounts": "change_account freeze_account add_ledgeradjustment change_ledgeradjustment",
    "instruments": "halt_instrument",
    "orders": "cancel_any_order add_risklimits change_risklimits add_tradinghalt change_tradinghalt",
    "trades": "change_setaside correct_trade execute_trade",
}
ADMIN = {
    "accounts": "view_user add_user change_user add_feeschedule add_fxrate add_regulatoryrate",
    "audit": "view_auditentry",
    "instruments": (
        "add_instrument change_instrument add_calendaroverride change_calendaroverride "
        "delete_calendaroverride add_corporateaction change_corporateaction"
    ),
}


def names(of):
    return [(app, name) for app, listed in of.items() for name in listed.split()]


def make_roles(apps, schema_editor):
    """Make the groups, and the permissions that they have."""
    group_model = apps.get_model("auth", "Group")
    seen = [(app, f"view_{model}") for app, model in names(SEEN)]
    roles = {"trader": [], "dealer": seen + names(DEALER)}
    roles["admin"] = roles["dealer"] + names(ADMIN)
    for role, permissions in roles.items():
        group, _ = group_model.objects.get_or_create(name=role)
        group.permissions.set([permission(apps, *each) for each in permissions])


def permission(apps, app, codename):
    what, _, model = codename.partition("_")
    model, words = OWN.get(codename, (model, f"Can {what} {model}"))
    types = apps.get_model("contenttypes", "ContentType")
    content_type, _ = types.objects.get_or_create(app_label=app, model=model)
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": words}
    )
    return found


def drop_roles(apps, schema_editor):
    """Take the groups away; whoever was in one is in none."""
    apps.get_model("auth", "Group").objects.filter(name__in=["trader", "dealer", "admin"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_staff_desk"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, drop_roles)]
