# What runs, and what it says.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# Every pod says for itself what it is: the line of its readiness probe. Then one sidecar says what it sees of the group. To have seen
# nothing is a failure: no answer of the cluster, no pods, no sidecar that answers.
status() {
    local name=$1 role pod pods line failed=0
    require_name "$name"
    need_kubectl
    for role in redis sentinel; do
        pods=$(pods_of "$name" "$role") || die "the cluster was not seen (above): kubectl config current-context"
        if [[ -z $pods ]]; then
            say "tenant: no $role pod of $name in this cluster"
            failed=1
            continue
        fi
        while read -r pod; do
            # The -tls probe is plain where no TLS is set.
            line=$(kubectl --namespace "$name" exec "$pod" --container "$role" -- \
                redis-probe-tls readiness --role "$role" 2>&1 </dev/null) || failed=1
            printf '%-28s %s\n' "$pod" "$(head -n 1 <<<"${line//$'\r'/}")"
        done <<<"$pods"
    done
    group_status "$name" || failed=1
    return "$failed"
}

# redis-failover status in the first pod whose sidecar can be asked: its words, and whether everything agrees.
group_status() {
    local name=$1 pod said code
    while read -r pod; do
        [[ -n $pod ]] || continue
        code=0
        said=$(kubectl --namespace "$name" exec "$pod" --container failover -- redis-failover status 2>&1 </dev/null) || code=$?
        # Other errors are of kubectl itself: the container does not run, the node is away.
        if ((code == 0)) || grep -q '^command terminated with exit code' <<<"$said"; then
            printf '\nredis-failover status in %s:\n' "$pod"
            grep -v '^command terminated with exit code' <<<"$said" || true
            return "$code"
        fi
    done < <(pods_of "$name" redis)
    say "tenant: no sidecar of $name could be asked for redis-failover status${said:+ (the last one: $(tail -n 1 <<<"$said"))}"
    return 1
}

ask() {
    local name=$1 target=${2:-} port
    shift 2 || misuse "ask NAME redis/POD COMMAND… or sentinel/POD COMMAND…"
    need_kubectl
    case $target in
        redis/*) port=6379 ;;
        sentinel/*) port=26379 ;;
        *) misuse "'$target' is not redis/POD or sentinel/POD" ;;
    esac
    # shellcheck disable=SC2016  # expanded in the container: no password leaves it
    kubectl --namespace "$name" exec "${target#*/}" --container "${target%%/*}" -- sh -c '
        if [ -n "$TLS_CA_FILE" ]; then tls="--tls --cacert $TLS_CA_FILE --cert $TLS_CERT_FILE --key $TLS_KEY_FILE"; fi
        port=$1; shift
        REDISCLI_AUTH=$(cat "$SIDECAR_PASSWORD_FILE") exec redis-cli $tls -p "$port" --user "sidecar-$POD_NAMESPACE/redis" \
            --no-auth-warning "$@"
    ' ask "$port" "$@"
}
