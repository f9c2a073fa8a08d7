# From the folder into the cluster, all or nothing.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

ROLLOUT_TIMEOUT=$(seconds_of "${ROLLOUT_TIMEOUT:-15m}")s # a full copy of a large replica, three times
WELL_TIMEOUT=$(seconds_of "${WELL_TIMEOUT:-10m}") # what a replaced pod leaves in the Sentinels' lists is gone after two minutes

# The one field manager of this script, of rollbacks too: "kubectl rollout undo" would write as another one ("kubectl"), and every later
# apply would conflict with it.
MANAGER=sidecars-tenant
FORCE=() # --force-conflicts, once settle_managers has said what is taken over

need_kubectl() { have kubectl || die "kubectl is not on PATH: https://kubernetes.io/docs/tasks/tools/"; }

server_apply() { kubectl apply --server-side --field-manager="$MANAGER" "${FORCE[@]}" "$@"; }

# Names of the tenant's pods of one role.
pods_of() {
    kubectl --namespace "$1" get pods --selector "app.kubernetes.io/name=$2,app.kubernetes.io/part-of=sidecars" --output name |
        sed 's:^pod/::'
}

# A namespace of somebody else's would lose its network by our default-deny. Ours have the label; one without pods may become ours.
require_ours() {
    local name=$1 part foreign
    part=$(kubectl get namespace "$name" --ignore-not-found --output 'jsonpath={.metadata.labels.app\.kubernetes\.io/part-of}') ||
        die "the namespace $name can't be read (above)"
    [[ $part != sidecars ]] || return 0
    foreign=$(kubectl --namespace "$name" get pods --selector 'app.kubernetes.io/part-of!=sidecars' --output name |
        awk 'NR <= 3' | paste -sd ' ')
    [[ -z $foreign ]] || die "the namespace $name is not a tenant's and has pods ($foreign …), which default-deny would cut off;" \
        "nothing was changed. If it is meant: kubectl label namespace $name app.kubernetes.io/part-of=sidecars"
}

# With our label from the start: pods of the tenant's applications may come before ours.
make_namespace() {
    kubectl get namespace "$1" >/dev/null 2>&1 && return
    kubectl create namespace "$1" >/dev/null
    kubectl label namespace "$1" app.kubernetes.io/part-of=sidecars >/dev/null
}

# The API server is behind a Service, and a NetworkPolicy sees the port that this leads to. Who may not read it is not asked.
require_api_ports() {
    local rendered port name
    rendered=$(<"$1")
    while read -r port; do
        for name in redis sentinel; do require_port "$rendered" "$name" "$port" "the API server listens on port $port"; done
    done < <(kubectl --namespace default get endpointslices --selector kubernetes.io/service-name=kubernetes \
        --output 'jsonpath={range .items[*].ports[*]}{.port}{"\n"}{end}' 2>/dev/null)
}

# Dry run at the server, which refuses to change a field that another manager set. What kubectl set (apply -k, rollout undo, scale, edit) a
# person did beside the folder: the folder has the last word, and it is said. Any other manager (GitOps, an operator) would write its
# value again, and this script its own, in turn.
settle_managers() {
    local file=$1 said managers others kinds
    if said=$(server_apply --dry-run=server -f "$file" 2>&1 >/dev/null); then return; fi
    managers=$(sed -n 's/.*conflicts\{0,1\} with "\([^"]*\)".*/\1/p' <<<"$said" | sort -u)
    others=$(grep -vxE 'kubectl(-[a-z-]+)?|before-first-apply' <<<"$managers" || true)
    if [[ -z $managers || -n $others ]]; then
        printf '%s\n' "$said" >&2
        kinds=$(grep -o 'no matches for kind "[A-Za-z]*"' <<<"$said" | cut -d '"' -f 2 | sort -u | paste -sd ' ' || true)
        [[ -z $kinds ]] || die "this cluster does not know the kind $kinds, which a component of the tenant brings (manifests/README.md," \
            "Needs): install what defines it, or take the component out of its folder; nothing was changed"
        [[ -z $others ]] || die "$(paste -sd ' ' <<<"$others") manages fields of this tenant (above): apply all of it there," \
            "or have it give them up; nothing was changed"
        die "the server refuses it (above); nothing was changed"
    fi
    FORCE=(--force-conflicts)
    server_apply --dry-run=server -f "$file" >/dev/null || die "the server refuses it (above); nothing was changed"
    say "tenant: $(paste -sd ' ' <<<"$managers") set fields otherwise; they get the folder's values again:"
    grep -E 'conflicts? with|^- ' <<<"$said" >&2
}

# The namespace must be there for a dry run of what goes into it.
prepare() {
    local file=$1 name=$2
    # Without it the pods' right to label themselves would be one to label, and to report the status of, each other.
    if grep -q '^  ROLE_LABEL: "true"$' "$file"; then
        kubectl get validatingadmissionpolicybinding sidecars-role-label >/dev/null 2>&1 ||
            die "the component role-label needs its admission policy first, once per cluster:" \
                "kubectl apply -k manifests/cluster/role-label; nothing was changed"
    fi
    require_ours "$name"
    require_api_ports "$file"
    make_namespace "$name"
    kubectl --namespace "$name" get secret redis-auth >/dev/null 2>&1 ||
        die "Secret redis-auth is missing in $name: scripts/tenant secret $name"
    settle_managers "$file"
}

# With conflicts, as apply takes them over: what differs is what it would change.
show_diff() {
    need_kubectl
    local code=0
    render "$1" | kubectl diff --server-side --force-conflicts --field-manager="$MANAGER" -f - || code=$?
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
    server_apply -f "$file" >&2
    kubectl --namespace "$name" rollout status deployment/sentinel --timeout="$ROLLOUT_TIMEOUT" >&2 ||
        die "the Sentinels did not become ready within $ROLLOUT_TIMEOUT (kubectl -n $name get pods); no Redis pod was restarted." \
            "Mend it and run this again"
    for ((ordinal = count - 1; ordinal >= 0; ordinal--)); do
        render_until "$name" "$ordinal" "$file"
        server_apply -f "$file" >&2
        kubectl --namespace "$name" rollout status statefulset/redis --timeout="$ROLLOUT_TIMEOUT" >&2 ||
            die "redis-$ordinal did not become ready within $ROLLOUT_TIMEOUT (kubectl -n $name get pods); the pods below it were not" \
                "restarted. Mend it and run this again"
        wait_until_well "$name" "redis-$ordinal" ||
            die "the group is not well $(duration_of "$WELL_TIMEOUT") after redis-$ordinal was replaced (above); the pods below it were" \
                "not restarted. Mend it and run this again"
    done
    render "$name" >"$file"
    server_apply -f "$file" >&2
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

# What runs of WORKLOAD, as an object that can be applied; nothing where it does not run yet. The text of jsonpath is JSON.
as_it_runs() {
    local name=$1 workload=$2 api=apps/v1 kind labels spec
    case $workload in
        deployment/*) kind=Deployment ;;
        *) kind=StatefulSet ;;
    esac
    labels=$(kubectl --namespace "$name" get "$workload" --ignore-not-found --output 'jsonpath={.metadata.labels}')
    spec=$(kubectl --namespace "$name" get "$workload" --ignore-not-found --output 'jsonpath={.spec}')
    [[ -z $spec ]] || printf '{"apiVersion":"%s","kind":"%s","metadata":{"name":"%s","namespace":"%s","labels":%s},"spec":%s}\n' \
        "$api" "$kind" "${workload#*/}" "$name" "${labels:-{\}}" "$spec"
}

apply() {
    local name=$1 folder file workload before
    folder_of "$name" >/dev/null
    need_kubectl
    require_complete "$name"
    folder=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$folder'" EXIT
    file=$folder/objects
    render "$name" >"$file"
    prepare "$file" "$name"
    for workload in deployment/sentinel statefulset/redis; do as_it_runs "$name" "$workload" >"$folder/${workload#*/}"; done
    server_apply -f "$file" >&2
    # Sentinels first: a group that can fail over is then restarted.
    for workload in deployment/sentinel statefulset/redis; do
        if kubectl --namespace "$name" rollout status "$workload" --timeout="$ROLLOUT_TIMEOUT" >&2; then continue; fi
        say "tenant: $workload did not become ready within $ROLLOUT_TIMEOUT:"
        kubectl --namespace "$name" get pods -o wide >&2 || true
        kubectl --namespace "$name" get events --field-selector type=Warning --sort-by=.lastTimestamp 2>/dev/null | tail -n 10 >&2 || true
        before=$folder/${workload#*/}
        [[ -s $before ]] || die "$workload has no earlier revision to go back to (a first installation): see the events above"
        server_apply --force-conflicts -f "$before" >&2 || die "$workload did not go back to what ran before (above)"
        die "$workload went back to what ran before; configuration is kept by hash, so it has its old one"
    done
    say "tenant: $name is up"
}
