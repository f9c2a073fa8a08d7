#!/usr/bin/env bash
# Runs the file systems of both images as kubelet would: non-root, no capability, read-only root, only /data and
# /run/sidecars writable; one Redis and one Sentinel from nothing, both sidecars beside them until they are healthy, a write, a backup,
# its restore into another Redis, a restart of the Redis, and an end by SIGTERM.
#
# Usage: docker/smoke.sh REDIS_ROOT SENTINEL_ROOT | --help
#
# As root, in namespaces of its own, since mounts and ports are those of the namespaces that it is called in:
#   unshare --mount --net --pid --fork --kill-child docker/smoke.sh REDIS_ROOT SENTINEL_ROOT
# scripts/images does that with the images that it has built.
set -euo pipefail
case ${1:-} in
    -h | --help) sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
(($# == 2)) || { echo "smoke: two folders are needed (see --help)" >&2; exit 2; }

redis_root=$1
sentinel_root=$2
password=smoke-$RANDOM$RANDOM

fail() {
    echo "smoke: $*" >&2
    for log in "$logs"/*; do echo "--- ${log##*/}" >&2; tail -n 20 "$log" >&2; done
    exit 1
}

mount --make-rprivate /
ip link set lo up
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

for root in "$redis_root" "$sentinel_root"; do
    mount --bind "$root" "$root"
    mount -t tmpfs -o size=1m,mode=0755 tmpfs "$root/dev"
    for device in null zero urandom; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mount -t proc proc "$root/proc"
    for folder in data run/sidecars; do mount -t tmpfs -o size=64m,mode=0750,uid=999,gid=999 tmpfs "$root/$folder"; done
    mount -o remount,bind,ro "$root"
    if touch "$root/written" 2>/dev/null; then fail "$root is not read-only"; fi
done

# as ROOT COMMAND…: with the environment of the manifests, where it does not need a cluster. With replace=exec the command
# takes the place of the (sub)shell, so that $! is its process.
as() {
    local root=$1
    shift
    ${replace:-} env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=redis-0 POD_NAMESPACE=smoke \
        REDIS_SENTINEL_SERVICE_HOST=127.0.0.1 REDIS_SERVER_SERVICE_HOST=127.0.0.1 ANNOUNCE_HOST=127.0.0.1 \
        REDIS_COUNT=1 SENTINEL_COUNT=1 ELECTION=file ELECTION_DIR=/run/sidecars/election REDIS_PASSWORD="$password" \
        BACKUP_STORE=/run/sidecars/store BACKUP_SCRATCH_DIR=/run/sidecars BACKUP_LEASE_RENEW=1000 BACKUP_LEASE_LIFE=10000 \
        chroot "$root" setpriv --reuid=999 --regid=999 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
}

# await SECONDS WHAT COMMAND…
await() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >>"$logs/probe" 2>&1; do
        ((SECONDS < until)) || fail "$what did not happen"
        sleep 0.1
    done
}

start_redis() {
    replace='exec' as "$redis_root" redis-bootstrap redis >>"$logs/redis" 2>&1 &
    redis=$!
    await 30 "readiness of Redis" as "$redis_root" redis-probe readiness --role redis
    await 5 "/live_check.sh" as "$redis_root" /live_check.sh
}

# sidecar NAME PORT COMMAND…: in the background, until /healthz answers 200; its process is in $sidecar.
sidecar() {
    local name=$1 port=$2
    shift 2
    replace='exec' as "$redis_root" "$@" >>"$logs/$name" 2>&1 &
    sidecar=$!
    await 30 "/healthz of $name" healthy "$port"
    await 5 "/metrics of $name" fetch "$port" /metrics 'sidecars_'
}

# fetch PORT PATH TEXT: true where the reply is 200 and holds the text.
fetch() {
    local reply request='GET %s HTTP/1.1\r\nHost: smoke\r\nConnection: close\r\n\r\n'
    # shellcheck disable=SC2059  # the format is above
    reply=$(exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$request" "$2" >&3 && cat <&3) || return
    [[ $reply == "HTTP/1.1 200"* && $reply == *"$3"* ]] || { head -n 20 <<<"$reply"; return 1; }
}

healthy() { fetch "$1" /healthz ok; }

# Ended by SIGTERM, within its bound: 0, or 143: manifests/docs/operations.md.
end_well() {
    local name=$1 process=$2 code=0
    kill -TERM "$process"
    wait "$process" || code=$?
    ((code == 0 || code == 143)) || fail "$name ended with $code on SIGTERM"
}

# holds PORT: a Redis without password there has the write.
holds() { [[ $(as "$redis_root" redis-cli -p "$1" get smoke) == "$password" ]]; }

ask() { as "$redis_root" env REDISCLI_AUTH="$password" redis-cli "$@"; }

for name in redis-failover redis-backup; do
    as "$redis_root" "$name" --version >>"$logs/versions" || fail "$name does not start in the redis image"
done
for name in redis-bootstrap redis-probe redis-probe-tls; do
    as "$redis_root" "$name" --version >>"$logs/versions" || fail "$name does not start in the redis image"
    as "$sentinel_root" "$name" --version >>"$logs/versions" || fail "$name does not start in the sentinel image"
done
start_redis
replace='exec' as "$sentinel_root" redis-bootstrap sentinel >>"$logs/sentinel" 2>&1 &
sentinel=$!
await 30 "readiness of Sentinel" as "$sentinel_root" redis-probe readiness --role sentinel
await 5 "/sentinel_check.sh" as "$sentinel_root" /sentinel_check.sh
[[ $(ask set smoke "$password") == OK ]] || fail "no write was accepted"

as "$redis_root" mkdir /run/sidecars/store # a store's directory is made once, by a person or as a volume
sidecar failover 9120 redis-failover run
failover=$sidecar
sidecar backup 9122 redis-backup run
backup=$sidecar
await 30 "agreement in redis-failover status" as "$redis_root" redis-failover status
as "$redis_root" redis-failover step-down --dry-run >>"$logs/step-down" 2>&1 || (($? == 1)) || fail "redis-failover step-down --dry-run"
as "$redis_root" redis-backup now >>"$logs/now" 2>&1 || fail "redis-backup now"
as "$redis_root" redis-backup verify >>"$logs/verify" 2>&1 || fail "redis-backup verify"
as "$redis_root" mkdir /run/sidecars/restored # restore takes an empty folder that is there, as a volume is
as "$redis_root" redis-backup restore --target /run/sidecars/restored >>"$logs/restore" 2>&1 || fail "redis-backup restore"
replace='exec' as "$redis_root" redis-server --port 6380 --appendonly yes --dir /run/sidecars/restored >>"$logs/restored" 2>&1 &
restored=$!
await 20 "the write in the restored Redis" holds 6380
kill -TERM "$restored"
wait "$restored" || fail "the restored Redis ended with $? on SIGTERM"
end_well redis-backup "$backup"
end_well redis-failover "$failover"

kill -TERM "$redis"
wait "$redis" || fail "Redis ended with $? on SIGTERM"
start_redis
[[ $(ask get smoke) == "$password" ]] || fail "the write did not survive the restart"
[[ $(ask config get dir | tail -n 1) == /data ]] || fail "the data is not in /data"

kill -TERM "$redis" "$sentinel"
wait "$redis" "$sentinel" || fail "not every server ended well on SIGTERM ($?)"
echo "smoke: cold start, write, sidecars healthy, backup, drill, restore, restart, read, SIGTERM: uid 999, no capability, read-only root"
