"""The matcher: pure, in fixed-point integers. Doors: market.Market, working, outcomes, fixed."""
