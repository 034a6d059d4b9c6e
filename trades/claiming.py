"""Claim a shard from outside its engine, before anything of its instruments is booked."""

from trades.models import Shard


def claim(shard_id: int) -> None:
    """Claim the shard's next version for the transaction: running engines are fenced by it.

    First in the lock order.
    """
    shard, _ = Shard.objects.select_for_update().get_or_create(id=shard_id)
    shard.version += 1
    shard.save(update_fields=["version"])
