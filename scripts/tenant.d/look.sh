# What runs, and what it says.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# Every pod says for itself what it is: the line of its readiness probe.
status() {
    local name=$1 role pod line failed=0
    need_kubectl
    for role in redis sentinel; do
        while read -r pod; do
            [[ -n $pod ]] || continue
            # The -tls probe is plain where no TLS is set.
            line=$(kubectl --namespace "$name" exec "$pod" --container "$role" -- redis-probe-tls readiness --role "$role" 2>&1 </dev/null) || failed=1
            printf '%-28s %s\n' "$pod" "$(head -n 1 <<<"${line//$'\r'/}")"
        done < <(pods_of "$name" "$role")
    done
    return "$failed"
}

ask() {
    local name=$1 target=${2:-} port
    shift 2 || die "ask NAME redis/POD COMMAND… or sentinel/POD COMMAND…"
    need_kubectl
    case $target in
        redis/*) port=6379 ;;
        sentinel/*) port=26379 ;;
        *) die "'$target' is not redis/POD or sentinel/POD" ;;
    esac
    # shellcheck disable=SC2016  # expanded in the container: no password leaves it
    kubectl --namespace "$name" exec "${target#*/}" --container "${target%%/*}" -- sh -c '
        if [ -n "$TLS_CA_FILE" ]; then tls="--tls --cacert $TLS_CA_FILE --cert $TLS_CERT_FILE --key $TLS_KEY_FILE"; fi
        port=$1; shift
        REDISCLI_AUTH=$(cat "$SIDECAR_PASSWORD_FILE") exec redis-cli $tls -p "$port" --user "sidecar-$POD_NAMESPACE/redis" --no-auth-warning "$@"
    ' ask "$port" "$@"
}
