"""Messages that fail time and again are set aside, so that their shard goes on (docs/adr/0019)."""
