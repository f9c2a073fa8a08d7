# A tenant is a folder: made, changed, rendered.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

MANIFESTS=$ROOT/manifests

# Name of the folder of a tenant that is there; errors for anything else.
folder_of() {
    [[ $1 =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]] || die "'$1' is no namespace: 1 to 63 of a-z 0-9 -"
    [[ -d $MANIFESTS/tenants/$1 ]] || die "there is no tenant $1: scripts/tenant new $1 makes it ($(cd "$MANIFESTS/tenants" && echo *) are there)"
    echo "$MANIFESTS/tenants/$1"
}

# 1Gi, 512Mi → MiB
mebibytes() {
    [[ $1 =~ ^[1-9][0-9]{0,5}(Mi|Gi)$ ]] || die "$2 is '$1'; it must be whole Mi or Gi, as in 512Mi or 4Gi"
    case $1 in
        *Gi) echo $((${1%Gi} * 1024)) ;;
        *) echo "${1%Mi}" ;;
    esac
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
    if grep -q "^$key:" "$file"; then sed -i "s|^$key:.*|&\n${lines//$'\n'/\\n}|" "$file"; else printf '%s:\n%s\n' "$key" "$lines" >>"$file"; fi
}

new_tenant() {
    local name=${1:-} memory=1Gi storage=8Gi registry='' components=() component folder limit
    shift || true
    while (($#)); do
        case $1 in
            --memory) memory=${2:-} ;;
            --storage) storage=${2:-} ;;
            --registry) registry=${2:-} ;;
            --component) components+=("${2:-}") ;;
            *) die "unknown argument $1 (see --help)" ;;
        esac
        shift
        shift || die "a value is missing (see --help)"
    done
    [[ $name =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]] || die "'$name' is no namespace: 1 to 63 of a-z 0-9 -"
    folder=$MANIFESTS/tenants/$name
    [[ ! -e $folder ]] || die "$folder is there already"
    ((${#components[@]})) || components=(monitoring)
    for component in "${components[@]}"; do
        [[ -n $component && -d $MANIFESTS/components/$component ]] || die "no component '$component'; there are: $(cd "$MANIFESTS/components" && echo *)"
    done
    limit=$(mebibytes "$memory" --memory)
    mebibytes "$storage" --storage >/dev/null
    ((limit >= 128)) || die "--memory is $memory; 128Mi is the least that a Redis with replicas can live in"

    mkdir -p "$folder"
    {
        echo "---"
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "namespace: $name"
        echo "resources: [../../base]"
        echo "components:"
        printf '  - ../../components/%s\n' "${components[@]}"
        if [[ -n $registry ]]; then
            printf 'images:\n'
            printf '  - {name: sidecars/%s, newName: %s}\n' redis "$registry/redis" sentinel "$registry/sentinel"
        fi
        if [[ $memory != 1Gi ]]; then printf 'configMapGenerator:\n  - name: redis-config\n    behavior: merge\n    files: [10-memory.conf]\n'; fi
        if [[ $memory != 1Gi || $storage != 8Gi ]]; then echo "patches:"; fi
        if [[ $memory != 1Gi ]]; then echo "  - path: memory.yaml"; fi
        if [[ $storage != 8Gi ]]; then printf '  - path: storage.yaml\n    target: {kind: StatefulSet, name: redis}\n'; fi
    } >"$folder/kustomization.yaml"
    if [[ $memory != 1Gi ]]; then write_memory "$folder" "$memory"; fi
    if [[ $storage != 8Gi ]]; then write_storage "$folder" "$storage"; fi
    say "tenant: manifests/tenants/$name is made; next: scripts/tenant check $name"
}

render() {
    need_kubectl
    kubectl kustomize "$(folder_of "$1")"
}

# What a render still lacks, a name a line: settings that components leave empty for the tenant (ConfigMap redis-defaults) and redis-group does
# not have, and images of ours without a registry. On the text as kustomize writes it: keys sorted, two spaces.
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
        /^ +(- )?image: sidecars\// { image = $NF; sub(/:[^:]*$/, "", image); images[image] = 1 }
        END {
            flush()
            for (key in defaults) if (defaults[key] == "\"\"" && (!(key in group) || group[key] == "\"\"")) print key
            for (image in images) print image
        }' | sort
}

# require_complete NAME: ends with what is missing and how to say it; a placeholder would be somebody else's bucket, zone or image.
require_complete() {
    local missing settings images image
    missing=$(render "$1" | missing_of)
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
