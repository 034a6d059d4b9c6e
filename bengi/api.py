"""The addresses of /api/v1/. Each answers with and without a slash at its end, never a redirect."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from accounts.api import (
    AccountView,
    ConvertPreviewView,
    ConvertView,
    DepositView,
    EventsView,
    RatesView,
    StatementView,
    TransactionsView,
    WithdrawView,
)
from accounts.identity.api import (
    ApiKeysView,
    ApiKeyView,
    LoginView,
    LogoutAllView,
    LogoutView,
    PasswordResetConfirmView,
    PasswordResetView,
    PasswordView,
    ProfileView,
    RecoveryCodesView,
    RefreshView,
    RegisterView,
    SecondFactorView,
    SessionsView,
    SessionView,
    VerifyEmailView,
)
from accounts.identity.email_api import EmailView
from bengi.onboarding import sign_up
from bengi.realtime.api import StreamStatsView
from instruments.api import (
    BarsView,
    CorporateActionsView,
    InstrumentsView,
    MarketsView,
    MoversView,
    QuoteView,
    SearchView,
)
from orders.api import (
    BatchView,
    CancelAllView,
    CancelView,
    ClosePositionView,
    LimitsView,
    OrdersView,
    OrderView,
    PreviewView,
    ResetView,
)
from orders.book_quotes import book_quotes
from portfolios.api import (
    AccountsView,
    AllocationView,
    HistoryView,
    LotsView,
    PerformanceView,
    PortfoliosView,
    PortfolioView,
    PositionsView,
    PositionView,
    SummaryView,
)
from trades.api import (
    AdjustView,
    ApproveView,
    BustView,
    CorrectionsView,
    DeclineView,
    ExecuteView,
    ExplainView,
    InstrumentView,
    OrderTradesView,
    PeriodStatementView,
    TradesSummaryView,
    TradesView,
    TradeView,
)
from trades.notices.api import NotificationsView, ReadNotificationsView
from watchlists.api import (
    AlertsView,
    AlertView,
    WatchedSymbolsView,
    WatchedSymbolView,
    WatchlistsView,
    WatchlistView,
)


class SymbolConverter(StringConverter):
    """What can be a symbol at all: up to 16 printable ASCII characters without blank and slash."""

    regex = "[!-.0-~]{1,16}"


register_converter(SymbolConverter, "symbol")

ROUTES = {
    "accounts": AccountsView.as_view(),
    "accounts/<uuid:account_id>": AccountView.as_view(),
    "accounts/<uuid:account_id>/convert": ConvertView.as_view(),
    "accounts/<uuid:account_id>/convert/preview": ConvertPreviewView.as_view(),
    "accounts/<uuid:account_id>/deposit": DepositView.as_view(),
    "accounts/<uuid:account_id>/limits": LimitsView.as_view(),
    "accounts/<uuid:account_id>/reset": ResetView.as_view(),
    "accounts/<uuid:account_id>/statement": StatementView.as_view(),
    "accounts/<uuid:account_id>/statement/period": PeriodStatementView.as_view(),
    "accounts/<uuid:account_id>/transactions": TransactionsView.as_view(),
    "accounts/<uuid:account_id>/withdraw": WithdrawView.as_view(),
    "alerts": AlertsView.as_view(),
    "alerts/<uuid:alert_id>": AlertView.as_view(),
    "auth/2fa": SecondFactorView.as_view(),
    "auth/2fa/recovery-codes": RecoveryCodesView.as_view(),
    "auth/api-keys": ApiKeysView.as_view(),
    "auth/api-keys/<uuid:key_id>": ApiKeyView.as_view(),
    "auth/email": EmailView.as_view(),
    "auth/login": LoginView.as_view(),
    "auth/logout": LogoutView.as_view(),
    "auth/logout-all": LogoutAllView.as_view(),
    "auth/password": PasswordView.as_view(),
    "auth/password-reset": PasswordResetView.as_view(),
    "auth/password-reset/confirm": PasswordResetConfirmView.as_view(),
    "auth/profile": ProfileView.as_view(),
    "auth/refresh": RefreshView.as_view(),
    "auth/register": RegisterView.as_view(sign_up=sign_up),
    "auth/sessions": SessionsView.as_view(),
    "auth/sessions/<uuid:sign_in_id>": SessionView.as_view(),
    "auth/verify-email": VerifyEmailView.as_view(),
    "corrections": CorrectionsView.as_view(),
    "corrections/<uuid:correction_id>/approve": ApproveView.as_view(),
    "corrections/<uuid:correction_id>/decline": DeclineView.as_view(),
    "events": EventsView.as_view(),
    "fx-rates": RatesView.as_view(),
    "instruments": InstrumentsView.as_view(),
    "instruments/search": SearchView.as_view(),  # before symbols, which are written in capitals
    "instruments/<symbol:symbol>": InstrumentView.as_view(),
    "instruments/<symbol:symbol>/bars": BarsView.as_view(),
    "instruments/<symbol:symbol>/corporate-actions": CorporateActionsView.as_view(),
    "instruments/<symbol:symbol>/quote": QuoteView.as_view(book_quotes=book_quotes),
    "markets": MarketsView.as_view(),
    "markets/movers": MoversView.as_view(),
    "notifications": NotificationsView.as_view(),
    "notifications/read": ReadNotificationsView.as_view(),
    "orders": OrdersView.as_view(),
    "orders/<uuid:order_id>": OrderView.as_view(),
    "orders/<uuid:order_id>/cancel": CancelView.as_view(),
    "orders/<uuid:order_id>/explain": ExplainView.as_view(),
    "orders/<uuid:order_id>/trades": OrderTradesView.as_view(),
    "orders/batch": BatchView.as_view(),
    "orders/cancel-all": CancelAllView.as_view(),
    "orders/preview": PreviewView.as_view(),
    "portfolios": PortfoliosView.as_view(),
    "portfolios/<uuid:portfolio_id>": PortfolioView.as_view(),
    "portfolios/<uuid:portfolio_id>/allocation": AllocationView.as_view(),
    "portfolios/<uuid:portfolio_id>/history": HistoryView.as_view(),
    "portfolios/<uuid:portfolio_id>/lots": LotsView.as_view(),
    "portfolios/<uuid:portfolio_id>/performance": PerformanceView.as_view(),
    "portfolios/<uuid:portfolio_id>/positions": PositionsView.as_view(),
    "portfolios/<uuid:portfolio_id>/summary": SummaryView.as_view(),
    "positions/<uuid:position_id>": PositionView.as_view(),
    "positions/<uuid:position_id>/close": ClosePositionView.as_view(),
    "stream/stats": StreamStatsView.as_view(),
    "trades": TradesView.as_view(),
    "trades/<uuid:exec_id>": TradeView.as_view(),
    "trades/<uuid:exec_id>/adjust": AdjustView.as_view(),
    "trades/<uuid:exec_id>/bust": BustView.as_view(),
    "trades/execute": ExecuteView.as_view(),
    "trades/summary": TradesSummaryView.as_view(),
    "watchlists": WatchlistsView.as_view(),
    "watchlists/<uuid:watchlist_id>": WatchlistView.as_view(),
    "watchlists/<uuid:watchlist_id>/symbols": WatchedSymbolsView.as_view(),
    "watchlists/<uuid:watchlist_id>/symbols/<symbol:symbol>": WatchedSymbolView.as_view(),
}

urlpatterns = [path(route + end, view) for route, view in ROUTES.items() for end in ("", "/")]
