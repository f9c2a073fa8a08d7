# From the folder into the cluster, all or nothing.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

ROLLOUT_TIMEOUT=${ROLLOUT_TIMEOUT:-900s} # a full copy of a large replica, three times
WELL_TIMEOUT=${WELL_TIMEOUT:-600} # seconds; what a replaced pod leaves in the Sentinels' lists is gone after two minutes

need_kubectl() { have kubectl || die "kubectl is not on PATH: https://kubernetes.io/docs/tasks/tools/"; }

# Names of the tenant's pods of one role.
pods_of() {
    kubectl --namespace "$1" get pods --selector "app.kubernetes.io/name=$2,app.kubernetes.io/part-of=sidecars" --output name | sed 's:^pod/::'
}

# The namespace must be there for a dry run of what goes into it.
prepare() {
    local file=$1 name=$2
    # Without it the pods' right to label themselves would be one to label, and to report the status of, each other.
    if grep -q '^  ROLE_LABEL: "true"$' "$file"; then
        kubectl get validatingadmissionpolicybinding sidecars-role-label >/dev/null 2>&1 ||
            die "the component role-label needs its admission policy first, once a cluster: kubectl apply -k manifests/cluster/role-label; nothing was changed"
    fi
    kubectl get namespace "$name" >/dev/null 2>&1 || kubectl create namespace "$name" >/dev/null
    kubectl --namespace "$name" get secret redis-auth >/dev/null 2>&1 || die "Secret redis-auth is missing in $name: scripts/tenant secret $name"
    kubectl apply --server-side --field-manager=sidecars-tenant --dry-run=server -f "$file" >/dev/null || die "the server refuses it (above); nothing was changed"
}

show_diff() {
    need_kubectl
    local code=0
    render "$1" | kubectl diff --server-side --field-manager=sidecars-tenant -f - || code=$?
    ((code <= 1)) || die "kubectl diff failed"
}

# The objects of NAME in FILE, with a Redis rollout that stops above ordinal PARTITION - 1; without a PARTITION, with none.
render_until() {
    local name=$1 partition=$2 file=$3
    # Two spaces: only a StatefulSet has this member there.
    render "$name" | sed "s/^  updateStrategy:\$/&\n    rollingUpdate:\n      partition: $partition/" >"$file"
}

# One Redis pod after another, and each only once the group is well again: apply NAME does not look, upgrade does.
apply_in_steps() {
    local name=$1 file ordinal count
    file=$(mktemp)
    # shellcheck disable=SC2064  # the file of now
    trap "rm -f '$file'" EXIT
    count=$(render "$name" | awk '/^kind: / { kind = $2 } kind == "StatefulSet" && /^  replicas: / { print $2; exit }')
    render_until "$name" "$count" "$file"
    prepare "$file" "$name"
    kubectl apply --server-side --field-manager=sidecars-tenant -f "$file" >&2
    kubectl --namespace "$name" rollout status deployment/sentinel --timeout="$ROLLOUT_TIMEOUT" >&2 ||
        die "the Sentinels did not become ready within $ROLLOUT_TIMEOUT (kubectl -n $name get pods); no Redis pod was restarted. Mend it and run this again"
    for ((ordinal = count - 1; ordinal >= 0; ordinal--)); do
        render_until "$name" "$ordinal" "$file"
        kubectl apply --server-side --field-manager=sidecars-tenant -f "$file" >&2
        kubectl --namespace "$name" rollout status statefulset/redis --timeout="$ROLLOUT_TIMEOUT" >&2 ||
            die "redis-$ordinal did not become ready within $ROLLOUT_TIMEOUT (kubectl -n $name get pods); the pods below it were not restarted. Mend it and run this again"
        wait_until_well "$name" "redis-$ordinal" ||
            die "the group is not well $WELL_TIMEOUT s after redis-$ordinal was replaced (above); the pods below it were not restarted. Mend it and run this again"
    done
    render "$name" >"$file"
    kubectl apply --server-side --field-manager=sidecars-tenant -f "$file" >&2
    say "tenant: $name is up"
}

# Well: the sidecar of the replaced pod finds everybody, in agreement, and no Sentinel lists an address that nobody has any more.
wait_until_well() {
    local name=$1 pod=$2 until=$((SECONDS + WELL_TIMEOUT)) said
    say "tenant: waiting until redis-failover status finds nothing wrong after $pod"
    until said=$(kubectl --namespace "$name" exec "$pod" --container redis -- redis-failover status 2>&1 </dev/null); do
        if ((SECONDS >= until)); then printf '%s\n' "$said" >&2; return 1; fi
        sleep 5
    done
}

apply() {
    local name=$1 file workload
    folder_of "$name" >/dev/null
    need_kubectl
    require_complete "$name"
    file=$(mktemp)
    # shellcheck disable=SC2064  # the file of now
    trap "rm -f '$file'" EXIT
    render "$name" >"$file"
    prepare "$file" "$name"
    kubectl apply --server-side --field-manager=sidecars-tenant -f "$file" >&2
    # Sentinels first: a group that can fail over is then restarted.
    for workload in deployment/sentinel statefulset/redis; do
        if kubectl --namespace "$name" rollout status "$workload" --timeout="$ROLLOUT_TIMEOUT" >&2; then continue; fi
        say "tenant: $workload did not become ready within $ROLLOUT_TIMEOUT:"
        kubectl --namespace "$name" get pods -o wide >&2 || true
        kubectl --namespace "$name" get events --field-selector type=Warning --sort-by=.lastTimestamp 2>/dev/null | tail -n 10 >&2 || true
        if kubectl --namespace "$name" rollout undo "$workload" >&2; then
            die "$workload went back to its last revision; configuration is kept by hash, so it has its old one"
        fi
        die "$workload has no earlier revision to go back to (a first installation): see the events above"
    done
    say "tenant: $name is up"
}
