# A tenant is a folder: made, changed, rendered.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

MANIFESTS=$ROOT/manifests

# Ends where NAME can be no tenant: its policies would cut off everything else in a namespace of the cluster's own.
require_name() {
    [[ $1 =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]] || misuse "'$1' is no namespace: 1 to 63 of a-z 0-9 -"
    [[ $1 != default && $1 != kube-* ]] || misuse "$1 is a namespace of the cluster's own; a tenant has its own"
}

# Name of the folder of a tenant that is there; errors for anything else.
folder_of() {
    require_name "$1"
    [[ -d $MANIFESTS/tenants/$1 ]] ||
        misuse "there is no tenant $1: scripts/tenant new $1 makes it ($(cd "$MANIFESTS/tenants" && echo *) are there)"
    echo "$MANIFESTS/tenants/$1"
}

# 1Gi, 512Mi → MiB
mebibytes() {
    [[ $1 =~ ^[1-9][0-9]{0,5}(Mi|Gi)$ ]] || misuse "$2 is '$1'; it must be whole Mi or Gi, as in 512Mi or 4Gi"
    case $1 in
        *Gi) echo $((${1%Gi} * 1024)) ;;
        *) echo "${1%Mi}" ;;
    esac
}

# require_sizes MEMORY STORAGE
require_sizes() {
    local memory storage
    memory=$(mebibytes "$1" memory)
    storage=$(mebibytes "$2" storage)
    ((memory >= 128)) || misuse "memory is $1; 128Mi is the least that a Redis with replicas can live in"
    ((storage >= 2 * memory)) || misuse "storage is $2 with a memory of $1; it must be at least twice as much, $((2 * memory))Mi:" \
        "while the AOF is rewritten, the volume holds it twice"
}

# The memory limit of Redis and the size of its volumes, as rendered: the first of their kind in the StatefulSet.
memory_of() { first_of_redis "$1" memory; }
storage_of() { first_of_redis "$1" storage; }
first_of_redis() {
    render "$1" | awk -v key="$2:" '/^kind: / { kind = $2 } kind == "StatefulSet" && $1 == key && !seen { print $2; seen = 1 }'
}

# Limit, request and maxmemory belong together.
write_memory() {
    local folder=$1 memory=$2 limit
    limit=$(mebibytes "$memory" --memory)
    cat >"$folder/10-memory.conf" <<END
# 60 % of the memory limit of the container ($memory).
maxmemory $((limit * 60 / 100))mb
maxmemory-policy noeviction
repl-backlog-size $((limit / 32 > 16 ? limit / 32 : 16))mb
END
    cat >"$folder/memory.yaml" <<END
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: redis
spec:
  template:
    spec:
      containers:
        - name: redis
          resources:
            requests:
              memory: $memory
            limits:
              memory: $memory
END
}

write_storage() {
    cat >"$1/storage.yaml" <<END
---
- op: replace
  path: /spec/volumeClaimTemplates/0/spec/resources/requests/storage
  value: $2
END
}

# add_item KUSTOMIZATION KEY LINES: an item at the head of a list, which is made where it is not there.
add_item() {
    local file=$1 key=$2 lines=$3
    if grep -q "^$key:" "$file"; then
        sed -i "s|^$key:.*|&\n${lines//$'\n'/\\n}|" "$file"
    else
        printf '%s:\n%s\n' "$key" "$lines" >>"$file"
    fi
}

# More ports that pods may reach outside: a policy of its own, since policies add up.
write_egress() {
    local folder=$1
    shift
    cat >"$folder/egress.yaml" <<END
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-egress
  labels:
    app.kubernetes.io/part-of: sidecars
    app.kubernetes.io/instance: redis
    app.kubernetes.io/managed-by: kustomize
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/part-of: sidecars
  policyTypes: [Egress]
  egress:
    - ports:
$(printf '        - {protocol: TCP, port: %s}\n' "$@")
END
}

# Where a cluster answers: a namespace that is there and has not our label is somebody else's.
require_free() {
    local name=$1 part
    have kubectl || return 0
    part=$(kubectl --request-timeout=5s get namespace "$name" \
        --output 'jsonpath={.metadata.name} {.metadata.labels.app\.kubernetes\.io/part-of}' 2>/dev/null) || return 0
    [[ -z $part || $part == "$name sidecars" ]] || die "the namespace $name exists and is not a tenant's. If it is meant for one:" \
        "kubectl label namespace $name app.kubernetes.io/part-of=sidecars"
}

new_tenant() {
    local name=${1:-} memory=1Gi storage=8Gi registry='' components=() ports=() component port folder resources='../../base'
    shift || true
    while (($#)); do
        case $1 in
            --memory) memory=${2:-} ;;
            --storage) storage=${2:-} ;;
            --registry) registry=${2:-} ;;
            --component) components+=("${2:-}") ;;
            --egress-port) ports+=("${2:-}") ;;
            *) misuse "unknown argument $1 (see --help)" ;;
        esac
        shift
        shift || misuse "a value is missing (see --help)"
    done
    require_name "$name"
    for component in "${components[@]}"; do
        [[ $component =~ ^[a-z0-9-]+$ && -d $MANIFESTS/components/$component ]] ||
            misuse "no component '$component'; there are: $(cd "$MANIFESTS/components" && echo *)"
    done
    for port in "${ports[@]}"; do
        [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -lt 65536 ]] || misuse "--egress-port is '$port'; it must be 1 to 65535"
    done
    require_sizes "$memory" "$storage"
    folder=$MANIFESTS/tenants/$name
    [[ ! -e $folder ]] || die "$folder is there already"
    require_free "$name"

    mkdir -p "$folder"
    if ((${#ports[@]})); then
        resources+=', egress.yaml'
        write_egress "$folder" "${ports[@]}"
    fi
    {
        echo "---"
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "namespace: $name"
        echo "resources: [$resources]"
        if ((${#components[@]})); then
            echo "components:"
            printf '  - ../../components/%s\n' "${components[@]}"
        fi
        if [[ -n $registry ]]; then
            printf 'images:\n'
            printf '  - {name: %s, newName: %s}\n' sidecars/redis "$registry/redis" sidecars/sentinel "$registry/sentinel" \
                docker.io/oliver006/redis_exporter "$registry/redis_exporter"
        fi
        if [[ $memory != 1Gi ]]; then
            printf 'configMapGenerator:\n  - name: redis-config\n    behavior: merge\n    files: [10-memory.conf]\n'
        fi
        if [[ $memory != 1Gi || $storage != 8Gi ]]; then echo "patches:"; fi
        if [[ $memory != 1Gi ]]; then echo "  - path: memory.yaml"; fi
        if [[ $storage != 8Gi ]]; then printf '  - path: storage.yaml\n    target: {kind: StatefulSet, name: redis}\n'; fi
    } >"$folder/kustomization.yaml"
    if [[ $memory != 1Gi ]]; then write_memory "$folder" "$memory"; fi
    if [[ $storage != 8Gi ]]; then write_storage "$folder" "$storage"; fi
    say "tenant: manifests/tenants/$name is made; next: scripts/tenant check $name"
}

render() {
    local folder
    need_kubectl
    folder=$(folder_of "$1")
    kubectl kustomize "$folder"
}

# What a render still lacks, one name per line: settings that components leave empty for the tenant (ConfigMap redis-defaults) and
# redis-group does not have, and images of ours without a registry. It reads the text as kustomize writes it: keys sorted, two spaces.
missing_of() {
    awk '
        function flush(key) {
            for (key in data) {
                if (name ~ /^redis-defaults-/) defaults[key] = data[key]
                if (name ~ /^redis-group-/) group[key] = data[key]
            }
            split("", data); name = ""; section = ""
        }
        /^---$/ { flush(); next }
        /^[a-zA-Z]/ { section = $1 }
        section == "data:" && /^  [A-Z0-9_]+: / { key = $1; sub(/:$/, "", key); data[key] = $2 }
        section == "metadata:" && /^  name: / { name = $2 }
        /^ +(- )?image: sidecars\// { image = $NF; sub(/[:@].*$/, "", image); images[image] = 1 }
        END {
            flush()
            for (key in defaults) if (defaults[key] == "\"\"" && (!(key in group) || group[key] == "\"\"")) print key
            for (image in images) print image
        }' | sort
}

# Of a render on stdin. Settings, Roles and Services name each other by fixed names, which kustomize does not rename along.
require_names() {
    local renamed
    renamed=$(awk '
        /^---$/ { kind = "" }
        /^kind: / { kind = $2 }
        kind ~ /^(StatefulSet|Deployment)$/ && /^  name: / && $2 !~ /^(redis|sentinel)$/ { print kind "/" $2 }' | paste -sd ' ')
    [[ -z $renamed ]] ||
        die "$renamed: objects of a tenant keep their names, which settings and Roles refer to: take namePrefix and nameSuffix" \
            "out. Tenants are told apart by their namespace; nothing was changed"
}

# require_complete NAME: ends with what is missing and how to say it; a placeholder would be somebody else's bucket, zone or image.
require_complete() {
    local rendered missing settings images image
    rendered=$(render "$1")
    require_names <<<"$rendered"
    require_store_port "$rendered"
    missing=$(missing_of <<<"$rendered")
    settings=$(grep -v / <<<"$missing" | sed 's/$/=…/' | paste -sd , | sed 's/,/, /g' || true)
    images=$(grep / <<<"$missing" || true)
    [[ -n $missing ]] || return 0
    say "tenant: $1 is not complete, and the cluster was not changed. Missing in manifests/tenants/$1/kustomization.yaml:"
    if [[ -n $images ]]; then
        say "images:"
        while read -r image; do say "  - {name: $image, newName: REGISTRY/${image#sidecars/}}"; done <<<"$images"
    fi
    if [[ -n $settings ]]; then
        printf 'configMapGenerator:\n  - name: redis-group\n    behavior: merge\n    literals: [%s]\n' "$settings" >&2
    fi
    die "$(paste -sd ' ' <<<"$missing"): without a default (manifests/README.md, What has no default)"
}
