"""Every page: its forms, its lists, and what they say when something is wrong or missing."""
