"""Limits that all processes share: one script in Redis, by the clock of Redis."""

from collections.abc import Sequence
from typing import Any

import redis

from bengi.limits.rates import Count, Rate

PREFIX = "bengi:limit:"
TIMEOUT_S = 0.25
"""An answer that takes longer is none: whoever asks is better off with the process's own count."""

# KEYS: a sorted set of moments for each who asks. ARGV: cost, longest window, how many rates, limit
# and window of each rate, then a ticket for each key. Times are microseconds, written in full: Lua
# would round them to 14 digits.
_TAKE = """
local cost, longest, last = tonumber(ARGV[1]), tonumber(ARGV[2]), 3 + 2 * tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function words(moment) return string.format('%.0f', moment) end
local told = {}

local function take(key, ticket)
  local function used(window)
    return redis.call('ZCOUNT', key, '(' .. words(now - window), '+inf')
  end
  local function moment(rank)
    return tonumber(redis.call('ZREVRANGE', key, rank, rank, 'WITHSCORES')[2])
  end

  redis.call('ZREMRANGEBYSCORE', key, '-inf', words(now - longest))
  local counts, waits, fits = {}, {}, true
  for i = 4, last, 2 do
    local limit, window, wait, count = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), 0, nil
    count = used(window)
    if count + cost > limit then
      fits = false
      wait = window
      if cost <= limit then wait = moment(limit - cost) + window - now end
    end
    counts[i], waits[i] = count, wait
  end
  if fits then
    for n = 1, cost do redis.call('ZADD', key, words(now), ticket .. ':' .. n) end
    redis.call('PEXPIRE', key, math.ceil(longest / 1000))
  end
  local newest = now
  if not fits or cost < 1 then
    newest = redis.call('ZCARD', key) > 0 and moment(0) or nil
  end
  for i = 4, last, 2 do
    local window = tonumber(ARGV[i + 1])
    told[#told + 1] = counts[i] + (fits and cost or 0)
    told[#told + 1] = waits[i]
    told[#told + 1] = newest and math.max(0, newest + window - now) or 0
  end
end

for n, key in ipairs(KEYS) do take(key, ARGV[last + n]) end
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
        return self.take_all([(key, ticket)], rates, cost)[0]

    def take_all(
        self, asked: Sequence[tuple[str, str]], rates: Sequence[Rate], cost: int
    ) -> list[list[Count]]:
        longest_us = _us(max(rate.window_s for rate in rates))
        limits = [n for rate in rates for n in (rate.limit, _us(rate.window_s))]
        told = self._take(
            keys=[PREFIX + key for key, _ in asked],
            args=[cost, longest_us, len(rates), *limits, *(ticket for _, ticket in asked)],
        )
        counts = [
            Count(used, wait / 1e6, reset / 1e6)
            for used, wait, reset in zip(told[::3], told[1::3], told[2::3], strict=True)
        ]
        return [counts[n : n + len(rates)] for n in range(0, len(counts), len(rates))]

    def give_back(self, key: str, ticket: str) -> None:
        self._give_back(keys=[PREFIX + key], args=[ticket])


def _us(seconds: int) -> int:
    return seconds * 1_000_000
