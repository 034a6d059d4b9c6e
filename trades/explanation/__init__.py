"""Explain an order: its steps, as the events tell them, in words and with the numbers. Pure."""
