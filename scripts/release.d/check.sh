# What a release refuses before it makes anything.
# Part of scripts/release; sourced, never run.
# shellcheck shell=bash disable=SC2154  # options are set by scripts/release

# Semantic Versioning 2.0.0 without build metadata, which a tag of an image can't hold.
number='(0|[1-9][0-9]*)'
identifier="($number|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
SEMVER="^$number\\.$number\\.$number(-$identifier(\\.$identifier)*)?\$"

require_arguments() {
    local platform
    [[ -n $version ]] || misuse "which VERSION? (see --help)"
    [[ $version =~ $SEMVER ]] || misuse "'$version' is not a semantic version such as 0.1.0 or 1.0.0-rc.1"
    [[ -n $registry ]] || misuse "--registry is needed: images are pinned by it (see --help)"
    [[ $registry =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$ ]] ||
        misuse "--registry is '$registry'; it must be a name as registry.example:5000/team"
    [[ $platforms =~ ^(amd64|arm64|amd64,arm64|arm64,amd64)$ ]] || misuse "--platforms is '$platforms'; it must be of amd64 and arm64"
    # In one order, whatever was typed: the result depends on it.
    if [[ $platforms == arm64,amd64 ]]; then platforms=amd64,arm64; fi
    if [[ -n $exporter_digest && ! $exporter_digest =~ ^sha256:[0-9a-f]{64}$ ]]; then
        misuse "--exporter-digest is '$exporter_digest'; it must be sha256: and 64 digits"
    fi
    if [[ -n $base && $base != *@sha256:* ]]; then misuse "--base needs NAME:TAG@sha256:DIGEST: a tag can be moved"; fi
    if [[ -n $key && ! -r $key ]]; then misuse "--key: $key can't be read"; fi
    if [[ -n $images && ! -d $images ]]; then misuse "--images: there is no folder $images"; fi
    out=${out:-$ARTIFACTS/release/$version}
    out=$(realpath -m "$out")
    if [[ -n $images ]]; then images=$(realpath "$images"); fi
}

require_release() {
    local tool
    for tool in git kubectl openssl tar gzip sha256sum dotnet; do have "$tool" || die "$tool is not on PATH"; done
    if ((push)); then have skopeo || die "--push needs skopeo, which is not on PATH: apt-get install skopeo"; fi
    commit=$(git -C "$ROOT" rev-parse --verify --quiet 'HEAD^{commit}') || die "$ROOT is no git repository with a commit"
    [[ -z $(git -C "$ROOT" status --porcelain) ]] || die "the working copy has changes: what is released must be a commit"
    [[ $(tree_version) == "$version" ]] ||
        die "this commit is $(tree_version): change <Version> in Directory.Build.props, and what the tests then name, and commit it"
    [[ ! -e $out ]] || ((push)) || die "$out is there already: a release is made once (--push goes on with one that was not pushed)"
    epoch=$(git -C "$ROOT" log -1 --format=%ct)
    export SOURCE_DATE_EPOCH=$epoch
    require_tag
    if [[ -n $key ]]; then key_kind >/dev/null; fi
    require_platforms
}

# The tag, where it is there, is of this commit or of the release that was made of it.
require_tag() {
    local tagged
    tagged=$(git -C "$ROOT" rev-parse --verify --quiet "refs/tags/v$version^{commit}") || return 0
    [[ $tagged == "$commit" || $(git -C "$ROOT" rev-parse --verify --quiet "$tagged^") == "$commit" ]] ||
        die "tag v$version is another commit's (${tagged:0:12}): a released version is never made again"
}

# ed25519 or ec; ends for any other key.
key_kind() {
    local text
    text=$(openssl pkey -in "$key" -noout -text -passin pass: </dev/null 2>/dev/null) ||
        die "--key: $key is not a private key in PEM without a passphrase"
    case $text in
        ED25519*) echo ed25519 ;;
        *"ASN1 OID:"*) echo ec ;;
        *) die "--key: $key is neither Ed25519 nor EC" ;;
    esac
}

is_exported() { [[ -n $images && -d $images/redis-$1 && -d $images/sentinel-$1 ]]; }

require_platforms() {
    local platform
    for platform in ${platforms//,/ }; do
        if is_exported "$platform"; then continue; fi
        [[ $platform == "$(architecture)" ]] ||
            die "images of $platform are missing: native executables are compiled and run once on their own platform, and this is" \
                "$(architecture). On a machine of $platform, at this commit: scripts/images --export FOLDER; then here: --images FOLDER." \
                "Or leave it out: --platforms $(architecture)"
        ((EUID == 0)) || ((dry)) || die "needs root, as scripts/images does, to build images of $platform; or --images FOLDER"
    done
}

# What is in $out already is what was made now: then a push that failed can go on with it. The signature of an EC key differs each time.
require_same() {
    local changed
    if changed=$(diff -rq --exclude SHA256SUMS.sig "$work/result" "$out" 2>&1) && [[ -e $out/SHA256SUMS.sig || -z $key ]]; then return; fi
    die "$out is there already and is another release, nothing was pushed:" "$(head -n 1 <<<"${changed:-it is not signed}")"
}

say_plan() {
    local platform
    say "release: $version of ${commit:0:12} for $registry, into $out"
    for platform in ${platforms//,/ }; do
        if is_exported "$platform"; then say "release: $platform from $images"; else say "release: $platform by scripts/images"; fi
    done
    if [[ -n $key ]]; then say "release: signed by an $(key_kind) key"; else say "release: not signed (--key)"; fi
    say "release: nothing was made (--dry-run)"
}

# step WHAT COMMAND: a line with its time when it is done.
step() {
    local what=$1 began=$SECONDS
    shift
    "$@"
    say "release: $what ($((SECONDS - began)) s)"
}
