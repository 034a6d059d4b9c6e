"""Limits that all processes share: one script in Redis, by the clock of Redis."""

from collections.abc import Sequence
from typing import Any

import redis

from bengi.limits.rates import Count, Rate

PREFIX = "bengi:limit:"
TIMEOUT_S = 0.25
"""An answer that takes longer is none: whoever asks is better off with the process's own count."""

# KEYS: the sorted set of moments. ARGV: ticket, cost, longest window, then limit and window of each
# rate. Times are microseconds, written in full because Lua would round them to 14 digits.
_TAKE = """
local key, ticket, cost, longest = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function words(moment) return string.format('%.0f', moment) end
local function used(window) return redis.call('ZCOUNT', key, '(' .. words(now - window), '+inf') end
local function moment(rank)
  return tonumber(redis.call('ZREVRANGE', key, rank, rank, 'WITHSCORES')[2])
end

redis.call('ZREMRANGEBYSCORE', key, '-inf', words(now - longest))
local waits, fits = {}, true
for i = 4, #ARGV, 2 do
  local limit, window, wait = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), 0
  if used(window) + cost > limit then
    fits = false
    wait = window
    if cost <= limit then wait = moment(limit - cost) + window - now end
  end
  waits[#waits + 1] = wait
end
if fits then
  for n = 1, cost do redis.call('ZADD', key, words(now), ticket .. ':' .. n) end
  redis.call('PEXPIRE', key, math.ceil(longest / 1000))
end
local told = {}
for i = 4, #ARGV, 2 do
  local window, newest = tonumber(ARGV[i + 1]), now
  if redis.call('ZCARD', key) > 0 then newest = moment(0) else newest = now - window end
  told[#told + 1] = used(window)
  told[#told + 1] = waits[(i - 2) / 2]
  told[#told + 1] = math.max(0, newest + window - now)
end
return told
"""
_GIVE_BACK = """
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 1, #ARGV[1] + 1) == ARGV[1] .. ':' then
    redis.call('ZREM', KEYS[1], member)
  end
end
"""


class RedisStore:
    """The same sliding window as in memory. Raises redis.RedisError when Redis is away."""

    def __init__(self, url: str) -> None:
        self._client: Any = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self._take = self._client.register_script(_TAKE)
        self._give_back = self._client.register_script(_GIVE_BACK)

    def take(self, key: str, rates: Sequence[Rate], cost: int, ticket: str) -> list[Count]:
        longest_us = _us(max(rate.window_s for rate in rates))
        asked = [n for rate in rates for n in (rate.limit, _us(rate.window_s))]
        told = self._take(keys=[PREFIX + key], args=[ticket, cost, longest_us, *asked])
        counts = zip(told[::3], told[1::3], told[2::3], strict=True)
        return [Count(used, wait / 1e6, reset / 1e6) for used, wait, reset in counts]

    def give_back(self, key: str, ticket: str) -> None:
        self._give_back(keys=[PREFIX + key], args=[ticket])


def _us(seconds: int) -> int:
    return seconds * 1_000_000
