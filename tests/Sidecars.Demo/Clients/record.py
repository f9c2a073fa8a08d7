import json
import os
import socket

import loop

# page: record
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry


def connect(host):  # "redis.example.org": the record, or the Service of the master
    return redis.Redis(
        host=host,
        socket_timeout=1,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.005), 10),
        retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError],
    )


def may_retry(error):
    return isinstance(error, (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)) or str(error).startswith(
        ("NOREPLICAS", "MASTERDOWN")
    )
# end

resolve = socket.getaddrinfo


def resolve_from_zone(host, port, *rest):
    """Stands in for a name server that reads the zone file at each question; a port tells the nodes of one machine apart."""
    with open(os.environ["ZONE_FILE"], encoding="ascii") as zone:
        records = [line.split() for line in zone]
    found = [r[4] for r in records if len(r) == 5 and r[0] == host + "." and r[3] == "A"]
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no such record")
    return resolve(found[0], json.loads(os.environ["PORTS"])[found[0]], *rest)


if __name__ == "__main__":
    _, host, prefix = loop.arguments(redis.__version__)
    socket.getaddrinfo = resolve_from_zone
    client = connect(host)
    loop.run(client.set, may_retry, prefix)
