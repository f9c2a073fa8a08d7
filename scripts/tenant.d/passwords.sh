# Secret redis-auth: made once, rotated while everything runs.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# A password of 43 letters and digits, 256 bits: what remains of 64 bytes without the signs that a URL would escape is always longer.
new_password() { head -c 64 /dev/urandom | base64 | tr -d '=+/\n' | head -c 43; }

# Never in argv, and in no file that outlives this: kubectl reads them from a folder in memory.
make_secret() {
    local folder key
    folder_of "$1" >/dev/null
    need_kubectl
    require_ours "$1"
    make_namespace "$1"
    if kubectl --namespace "$1" get secret redis-auth >/dev/null 2>&1; then
        say "tenant: Secret redis-auth is there; passwords are changed by a rotation, not by this"
        return
    fi
    folder=$(mktemp -d --tmpdir=/dev/shm)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$folder'" EXIT
    for key in redis-password replication-password sentinel-auth-password sidecar-password sentinel-password; do
        (umask 077 && new_password >"$folder/$key")
    done
    kubectl --namespace "$1" create secret generic redis-auth --from-file="$folder" >/dev/null
    say "tenant: Secret redis-auth made in $1"
}

PASSWORD_KEYS=(redis-password replication-password sentinel-auth-password sentinel-password sidecar-password)
ROTATION_TIMEOUT=$(seconds_of "${ROTATION_TIMEOUT:-10m}") # kubelet brings a Secret to a pod within two minutes

# SHA-256 and name of each key, and of each previous one that is there. Hashes of our passwords; nothing prints them.
# shellcheck disable=SC2016 # for the pods' shell
SUMS='cd "$1" && shift && for key; do for file in "$key" "$key-previous"; do if [ -f "$file" ]; then sha256sum "$file"; fi; done; done'

# True where every pod's files are those of the folder; what is missing is in $WAITS_FOR.
files_arrived() {
    local name=$1 folder=$2 role pod wanted sums seen=0
    shift 2
    wanted=$(bash -c "$SUMS" sums "$folder" "$@")
    for role in redis sentinel; do
        while read -r pod; do
            WAITS_FOR="the Secret at $pod"
            sums=$(kubectl --namespace "$name" exec "$pod" --container "$role" -- \
                sh -c "$SUMS" sums /etc/redis-auth "$@" </dev/null 2>/dev/null) || return 1
            [[ $sums == "$wanted" ]] || return 1
            seen=$((seen + 1))
        done < <(pods_of "$name" "$role")
    done
    WAITS_FOR="pods of $name"
    ((seen))
}

# True where no sidecar has anything left to do; what is missing is in $WAITS_FOR.
sidecars_rest() {
    local pod said
    while read -r pod; do
        if ! said=$(kubectl --namespace "$1" exec "$pod" --container failover -- redis-failover passwords </dev/null 2>&1); then
            WAITS_FOR="$pod: $(tail -n 1 <<<"$said")"
            return 1
        fi
    done < <(pods_of "$1" redis)
}

await_passwords() {
    local deadline=$((SECONDS + ROTATION_TIMEOUT)) said=''
    until files_arrived "$@" && sidecars_rest "$1"; do
        [[ $WAITS_FOR == "$said" ]] || say "tenant: waits for $WAITS_FOR"
        said=$WAITS_FOR
        ((SECONDS < deadline)) ||
            die "timed out after $(duration_of "$ROTATION_TIMEOUT"): waiting for $WAITS_FOR. Nothing is lost: every password that was" \
                "accepted is still accepted. Run it again later: scripts/tenant rotate-password $1 --finish"
        sleep "${ROTATION_PAUSE:-5}"
    done
    while read -r pod; do
        kubectl --namespace "$1" exec "$pod" --container failover -- redis-failover passwords </dev/null | sed "s/^/$pod /"
    done < <(pods_of "$1" redis)
}

# A merge patch from a file: no password is in argv. The version makes a second rotation at the same time fail.
patch_secret() {
    kubectl --namespace "$1" patch secret redis-auth --type merge --patch-file "$2" >/dev/null ||
        die "Secret redis-auth was not changed (above)"
}

rotate_password() {
    local name=${1:-} keys=() keep=0 finish=0 folder key value under_way=() version=''
    folder_of "$name" >/dev/null
    shift
    while (($#)); do
        case $1 in
            --secret) keys+=("${2:-}") && shift ;;
            --keep) keep=1 ;;
            --finish) finish=1 ;;
            *) misuse "unknown argument $1 (see --help)" ;;
        esac
        shift || misuse "a value is missing (see --help)"
    done
    for key in "${keys[@]}"; do
        [[ " ${PASSWORD_KEYS[*]} " == *" $key "* ]] || misuse "no key '$key'; there are: ${PASSWORD_KEYS[*]}"
    done
    need_kubectl
    folder=$(mktemp -d --tmpdir=/dev/shm)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$folder'" EXIT
    mkdir -m 700 "$folder/now"
    # shellcheck disable=SC2016  # a Go template
    while read -r key value; do
        if [[ $key == = ]]; then version=$value; else (umask 077 && base64 -d <<<"$value" >"$folder/now/$key"); fi
    done < <(kubectl --namespace "$name" get secret redis-auth --output \
        'go-template={{"="}} {{.metadata.resourceVersion}}{{"\n"}}{{range $key, $value := .data}}{{$key}} {{$value}}{{"\n"}}{{end}}')
    [[ -n $version ]] || die "Secret redis-auth can't be read in $name"
    for key in "${PASSWORD_KEYS[@]}"; do
        if [[ -f $folder/now/$key-previous ]]; then under_way+=("$key"); fi
    done

    if ((finish)); then
        ((${#under_way[@]})) || die "no rotation is under way in $name"
        keys=("${under_way[@]}")
    elif ((${#under_way[@]})); then
        die "a rotation of ${under_way[*]} is under way in $name; --finish ends it"
    else
        ((${#keys[@]})) || keys=(redis-password replication-password sentinel-auth-password sentinel-password)
        for key in "${keys[@]}"; do
            [[ -f $folder/now/$key ]] || die "Secret redis-auth has no $key"
            mv "$folder/now/$key" "$folder/now/$key-previous"
            (umask 077 && new_password >"$folder/now/$key")
        done
        (umask 077 && patch_of "$folder/now" "$version" "${keys[@]}" >"$folder/patch")
        patch_secret "$name" "$folder/patch"
        say "tenant: phase 1: ${keys[*]} changed; the previous ones are accepted as well"
    fi

    await_passwords "$name" "$folder/now" "${keys[@]}"
    if ((keep)); then
        say "tenant: both passwords work everywhere; when every client has the new one: scripts/tenant rotate-password $name --finish"
        return
    fi
    (umask 077 && finish_patch "${keys[@]}" >"$folder/patch")
    patch_secret "$name" "$folder/patch"
    say "tenant: phase 2: the previous passwords are out of the Secret; every sidecar drops them when its own files say so"
}

# The keys with their new and their previous value.
patch_of() {
    local folder=$1 version=$2 key comma=''
    shift 2
    printf '{"metadata":{"resourceVersion":"%s"},"data":{' "$version"
    for key; do
        printf '%s"%s":"%s",' "$comma" "$key" "$(base64 -w 0 <"$folder/$key")"
        printf '"%s-previous":"%s"' "$key" "$(base64 -w 0 <"$folder/$key-previous")"
        comma=,
    done
    printf '}}\n'
}

# Without the previous ones.
finish_patch() {
    local key comma=''
    printf '{"data":{'
    for key; do
        printf '%s"%s-previous":null' "$comma" "$key"
        comma=,
    done
    printf '}}\n'
}
