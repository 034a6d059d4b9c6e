"""Every address of the product: pages at the root, the API under /api/v1/, the admin."""

from django.contrib import admin
from django.urls import include, path

from accounts.identity.views import staff_signin
from accounts.views import signout, signup
from bengi.help.views import page as help_page
from bengi.metrics import MetricsView
from bengi.onboarding import sign_up
from bengi.schema.views import document, reference
from instruments.views import market_data
from trades.views import staff_desk

handler500 = "bengi.problem.broken_page"

urlpatterns = [
    path("admin/login/", staff_signin),
    path("admin/logout/", signout),
    path("admin/desk/", admin.site.admin_view(staff_desk), name="staff-desk"),
    path("admin/market-data/", admin.site.admin_view(market_data), name="market-data"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("bengi.api")),
    path("api/schema", document, name="api-schema"),
    path("api/docs", reference, name="api-docs"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("help", help_page, name="help"),
    path("signup", signup, {"sign_up": sign_up}, name="signup"),
    path("", include("accounts.urls")),
    path("", include("instruments.urls")),
    path("", include("portfolios.urls")),
    path("", include("watchlists.urls")),
    path("", include("orders.urls")),
    path("", include("trades.urls")),
    path("", include("trades.notices.urls")),
]
