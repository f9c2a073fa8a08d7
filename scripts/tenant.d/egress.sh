# What the pods of a tenant may reach outside, by its NetworkPolicies.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# Of a render on stdin, "NAME PORT" for each port that pods of app.kubernetes.io/name NAME (* for all of the tenant) may reach outside the
# cluster's pods. On the text as kustomize writes it: keys sorted, two spaces, so that ports come before to, and the selector at last.
egress_of() {
    awk '
        function rule(port) { if (!inside) for (port in ports) open[port] = 1; split("", ports); inside = 0 }
        function policy(port) {
            rule()
            if (kind == "NetworkPolicy") for (port in open) print name, port
            split("", open); kind = section = ""; name = "*"
        }
        BEGIN { name = "*" }
        /^---$/ { policy(); next }
        /^kind: / { kind = $2 }
        /^  [a-zA-Z]+:/ { rule(); section = $1 }
        section == "egress:" && /^  - / { rule() }
        section == "egress:" && /^ +(- )?port: / { ports[$NF] = 1 }
        section == "egress:" && /(pod|namespace)Selector:|cidr: 169\.254\./ { inside = 1 }
        section == "podSelector:" && /app.kubernetes.io\/name: / { name = $2 }
        END { policy() }'
}

# require_port RENDER NAME PORT WHY: its policies let pods NAME reach PORT.
require_port() {
    egress_of <<<"$1" | grep -xE "($2|\*) $3" >/dev/null ||
        die "$4, which the NetworkPolicies of $2 pods cut off: let it through as manifests/docs/network.md shows" \
            "(scripts/tenant new --egress-port $3); nothing was changed"
}

# The S3 endpoint that a render sets, if any, is one that the policies let through; redis-group is read after redis-defaults.
require_store_port() {
    local endpoint port name
    endpoint=$(sed -n 's/^  BACKUP_S3_ENDPOINT: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' <<<"$1" | tail -n 1)
    case $endpoint in
        *://*:[0-9]*) port=${endpoint##*:} ;;
        https://*) port=443 ;;
        http://*) port=80 ;;
        *) return 0 ;;
    esac
    for name in redis redis-backup; do require_port "$1" "$name" "${port%/}" "BACKUP_S3_ENDPOINT is $endpoint"; done
}
