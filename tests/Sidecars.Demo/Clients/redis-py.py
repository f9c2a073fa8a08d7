import loop

# page: redis-py
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel


def connect(sentinels, name):  # [("sentinel", 26379)], "demo-a.redis"
    return Sentinel(sentinels, socket_timeout=0.5).master_for(
        name,
        socket_timeout=1,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.005), 10),
        retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError],
    )


def may_retry(error):
    return isinstance(error, (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)) or str(error).startswith(
        ("NOREPLICAS", "MASTERDOWN")
    )
# end

if __name__ == "__main__":
    sentinels, name, prefix = loop.arguments(redis.__version__)
    client = connect(sentinels, name)
    loop.run(client.set, may_retry, prefix)
