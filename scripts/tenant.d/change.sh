# Changes of a tenant that runs: upgrade, resize, delete.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# A StatefulSet restarts its pods from the highest ordinal down. With the master on redis-0 each pod is restarted once, the master at
# the end, and its preStop hands over without loss. On a replica step-down does nothing. Between two pods the group must be well, or a
# second one would go while the Sentinels still list an address of the first that nobody has any more, or that a third has got.
upgrade() {
    local name=$1 pod
    folder_of "$name" >/dev/null
    need_kubectl
    require_complete "$name"
    status "$name" >&2 || die "$name is not well (above): an upgrade would restart the others too; nothing was changed"
    if kubectl --namespace "$name" get pod redis-0 --output jsonpath='{.spec.initContainers[*].name}' | grep -qw backup; then
        say "tenant: a backup first"
        kubectl --namespace "$name" exec redis-0 --container backup -- redis-backup now >&2 ||
            die "no backup was taken; nothing was changed"
    fi
    for pod in $(pods_of "$name" redis); do
        [[ $pod != redis-0 ]] || continue
        kubectl --namespace "$name" exec "$pod" --container redis -- redis-failover step-down --to redis-0 --timeout 25s >&2 ||
            die "the master was not moved to redis-0 (above); nothing was changed"
    done
    apply_in_steps "$name"
    say "tenant: if this was a new major version of Redis, only a restore leads back: an older version does not read what the new" \
        "master wrote"
}

resize() {
    local name=$1 memory='' storage='' folder file before pod
    shift
    while (($#)); do
        case $1 in
            --memory) memory=${2:-} ;;
            --storage) storage=${2:-} ;;
            *) misuse "unknown argument $1 (see --help)" ;;
        esac
        shift
        shift || misuse "a value is missing (see --help)"
    done
    [[ -n $memory$storage ]] || misuse "resize needs --memory or --storage"
    folder=$(folder_of "$name")
    file=$folder/kustomization.yaml
    need_kubectl
    require_sizes "${memory:-$(memory_of "$name")}" "${storage:-$(storage_of "$name")}"
    if [[ -n $memory ]]; then
        if ! grep -q 10-memory.conf "$file" && grep -q 'name: redis-config' "$file"; then
            die "tenants/$name/kustomization.yaml merges into redis-config: add 10-memory.conf to its files first"
        fi
    fi
    if [[ -n $storage ]]; then
        before=$(storage_of "$name")
        (($(mebibytes "$storage" --storage) >= $(mebibytes "$before" "storage of $name"))) ||
            die "--storage is $storage and the volumes have $before: a volume can't shrink (runbooks/resize.md)"
    fi
    if [[ -n $memory ]]; then
        write_memory "$folder" "$memory"
        grep -q 10-memory.conf "$file" ||
            add_item "$file" configMapGenerator $'  - name: redis-config\n    behavior: merge\n    files: [10-memory.conf]'
        grep -q 'path: memory.yaml' "$file" || add_item "$file" patches '  - path: memory.yaml'
    fi
    if [[ -n $storage ]]; then
        write_storage "$folder" "$storage"
        grep -q 'path: storage.yaml' "$file" ||
            add_item "$file" patches $'  - path: storage.yaml\n    target: {kind: StatefulSet, name: redis}'
    fi
    render "$name" >/dev/null
    if ! kubectl --namespace "$name" get statefulset redis >/dev/null 2>&1; then
        say "tenant: $name is not in this cluster: only its folder was changed"
        return
    fi
    require_complete "$name"
    if [[ -n $storage ]]; then
        status "$name" >&2 || die "$name is not well (above): the folder was changed, the cluster was not"
        for pod in $(pods_of "$name" redis); do
            kubectl --namespace "$name" patch persistentvolumeclaim "data-$pod" --type merge \
                --patch "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"$storage\"}}}}" >&2 ||
                die "the volume of $pod was not grown (above): its class must allow expansion. The folder was changed; run this again"
        done
        # A claim template can't be changed. The pods stay, and the new StatefulSet adopts them.
        kubectl --namespace "$name" delete statefulset redis --cascade=orphan >&2
    fi
    if [[ -n $memory ]]; then upgrade "$name"; else apply "$name"; fi
}

delete_tenant() {
    local name=$1 confirm='' data=0 objects
    shift
    while (($#)); do
        case $1 in
            --confirm)
                confirm=${2:-}
                shift
                ;;
            --with-data) data=1 ;;
            *) misuse "unknown argument $1 (see --help)" ;;
        esac
        shift || misuse "a value is missing (see --help)"
    done
    folder_of "$name" >/dev/null
    need_kubectl
    [[ $confirm == "$name" ]] || misuse "this deletes tenant $name; to confirm, add: --confirm $name"
    objects=$(mktemp)
    # shellcheck disable=SC2064  # the file of now
    trap "rm -f '$objects'" EXIT
    # The namespace goes only with the data: its claims, passwords and Leases are what brings the tenant back.
    render "$name" | awk '
        function flush() { if (document !~ /\nkind: Namespace\n/) printf "%s", document; document = "" }
        /^---$/ { flush() }
        { document = document $0 "\n" }
        END { flush() }' >"$objects"
    kubectl delete --ignore-not-found --wait -f "$objects" >&2
    if ((data)); then
        kubectl delete namespace "$name" --ignore-not-found --wait >&2
        say "tenant: $name is deleted, with its volumes and passwords; backups stay in the store until their retention ends, and you" \
            "keep the folder manifests/tenants/$name"
    else
        say "tenant: $name is stopped; its volumes, passwords and Leases are there: scripts/tenant apply $name brings it back"
        kubectl --namespace "$name" get persistentvolumeclaims >&2 || true
    fi
}
