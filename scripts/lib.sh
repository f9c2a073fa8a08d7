# Common to all scripts; sourced, never run.
# shellcheck shell=bash disable=SC2034  # what is set here is used by those that source it

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ARTIFACTS=$ROOT/artifacts
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

# The native executables: file and project. Everything that builds or ships them reads these lists.
NATIVE_EXECUTABLES=(
    redis-bootstrap:src/Sidecars.Bootstrap
    redis-probe:src/Sidecars.Probe
    redis-sidecars:src/Sidecars.Daemons
)
# Executables that are names of one of these files.
NATIVE_NAMES=(
    redis-probe-tls:redis-bootstrap
    redis-failover:redis-sidecars
    redis-backup:redis-sidecars
)
NATIVE_DIR=$ARTIFACTS/native

say() { printf '%s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Wrong arguments; exit code 2, as of the executables.
misuse() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

# Prints the comment block at the top of the calling script, without "# ".
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

have() { command -v "$1" >/dev/null 2>&1; }

# Text for one line of a table: "12.3 MB".
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.2f MB", bytes / 1000000 }'; }

# The version of everything in the tree; Directory.Build.props is where it is changed, and a test holds the rest to it.
tree_version() { sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$ROOT/Directory.Build.props"; }

# source_url FOLDER: where the source of a clone can be found, for the label of an image: SIDECARS_SOURCE, else the remote "origin" if it
# has an address for others (one form, so that each clone of a repository gives the same image; never with a user or a token). No
# output where there is none: the path of a folder says nothing elsewhere.
source_url() {
    local url
    if [[ -n ${SIDECARS_SOURCE:-} ]]; then
        printf '%s\n' "$SIDECARS_SOURCE"
        return
    fi
    url=$(git -C "$1" remote get-url origin 2>/dev/null) || return 0
    if [[ $url =~ ^https://([^/@]*@)?([^/@]+/.+)$ || $url =~ ^ssh://([^/@]*@)?([^/@:]+/.+)$ ]]; then
        url=${BASH_REMATCH[2]}
    elif [[ $url =~ ^([^/@:]+@)([^/@:]+):([^/].*)$ ]]; then
        url=${BASH_REMATCH[2]}/${BASH_REMATCH[3]}
    else
        return 0
    fi
    # The rest of a password that contains a slash is not an address.
    [[ $url != *@* ]] || return 0
    printf 'https://%s\n' "${url%.git}"
}

# The platform of this machine, as container images call it.
architecture() {
    case $(runtime_id) in
        linux-x64) echo amd64 ;;
        linux-arm64) echo arm64 ;;
    esac
}

# The seconds of a duration as people write it (25s, 5m, 1h30m; a number alone counts seconds).
seconds_of() {
    local text=$1 rest=$1 sum=0 number
    [[ $text =~ ^[0-9]+$ ]] && rest=${text}s
    [[ $rest =~ ^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$ && -n $rest ]] || misuse "'$text' is not a duration (25s, 5m, 1h30m)"
    while [[ $rest =~ ^([0-9]+)([dhms])(.*)$ ]]; do
        number=$((10#${BASH_REMATCH[1]}))
        case ${BASH_REMATCH[2]} in
            d) number=$((number * 86400)) ;;
            h) number=$((number * 3600)) ;;
            m) number=$((number * 60)) ;;
        esac
        sum=$((sum + number))
        rest=${BASH_REMATCH[3]}
    done
    printf '%s\n' "$sum"
}

# The other way round: 3725 is 1h2m5s.
duration_of() {
    local text='' left=$1
    ((left < 3600)) || text=$((left / 3600))h
    ((left % 3600 < 60)) || text+=$((left % 3600 / 60))m
    ((left % 60 == 0 && left > 0)) || text+=$((left % 60))s
    printf '%s\n' "$text"
}

runtime_id() {
    case $(uname -m) in
        x86_64) echo linux-x64 ;;
        aarch64) echo linux-arm64 ;;
        *) die "no native executables for $(uname -m): x86_64 and aarch64 are supported" ;;
    esac
}

# Builds a console project of tests/ in Release and prints the path of its executable.
test_tool() {
    local log=$ARTIFACTS/$2.log
    mkdir -p "$ARTIFACTS"
    dotnet build "$ROOT/tests/$1" -c Release --nologo -v q >"$log" 2>&1 || { cat "$log" >&2; die "$1 does not build"; }
    printf '%s\n' "$ROOT/tests/$1/bin/Release/net10.0/$2"
}
