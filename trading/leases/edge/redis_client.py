"""A client of one Redis or Valkey, or of a cluster, by what the URL says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster

from vocabulary.redis_cluster import is_cluster, seed_urls

REDIS_PORT = 6379


def redis_client(url: str, **terms: Any) -> Redis | RedisCluster:
    """Return a client, which connects when it is first used. `terms` are redis-py's."""
    if not is_cluster(url):
        client: Redis = Redis.from_url(url, **terms)
        return client
    seeds = seed_urls(url)
    places = [urlsplit(seed) for seed in seeds]
    nodes = [ClusterNode(each.hostname or "", each.port or REDIS_PORT) for each in places]
    return RedisCluster.from_url(seeds[0], startup_nodes=nodes, **terms)
