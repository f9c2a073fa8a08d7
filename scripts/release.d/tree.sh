# The content of the tag, the chart of it, and what proves both.
# Part of scripts/release; sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2153  # options are set by scripts/release, DIGEST by images.sh

EXPORTER=docker.io/oliver006/redis_exporter

# The release commit: this one, with the images pinned in manifests/. In a clone of its own, so that this repository stays as it is; what
# others fetch is a bundle of the tag.
make_tree() {
    local clone=$work/clone file released tagged
    git clone --quiet --shared --no-tags "$ROOT" "$clone"
    git -C "$clone" checkout --quiet --detach "$commit"
    for file in $(cd "$clone" && grep -rl 'name: sidecars/\(redis\|sentinel\)$' manifests --include=kustomization.yaml | LC_ALL=C sort); do
        pin "$clone/$file"
    done
    for file in "$clone"/manifests/tenants/*/kustomization.yaml; do
        if grep -q 'name: sidecars/redis' "$file"; then continue; fi
        add_item "$file" images "  - {name: sidecars/redis, newName: $registry/redis}
  - {name: sidecars/sentinel, newName: $registry/sentinel}"
    done
    for file in "$clone"/manifests/tenants/*/; do require_pinned "$file"; done
    released=$(release_commit "$clone")
    tagged=$(git -C "$ROOT" rev-parse --verify --quiet "refs/tags/v$version^{commit}") || tagged=$released
    [[ $tagged == "$released" || $tagged == "$commit" ]] ||
        die "tag v$version was made of other images (${tagged:0:12}): a released version is never made again"
    git -C "$clone" update-ref "refs/tags/v$version" "$released"
    git -C "$clone" -c pack.threads=1 bundle create --quiet "$work/result/sidecars-$version.bundle" "^$commit" "refs/tags/v$version"
    git -C "$clone" archive "$released" manifests | tar -x -C "$work/result"
}

# Versions of our images become digests; names stay, so that a tenant gives its registry as ever.
pin() {
    local image digest
    for image in redis sentinel; do
        digest=$(digest_of "$image")
        sed -i "/name: sidecars\\/$image\$/{n;s|newTag: .*|digest: $digest|}" "$1"
    done
    if [[ -n $exporter_digest ]]; then sed -i "/name: ${EXPORTER//\//\\/}\$/{n;s|newTag: .*|digest: $exporter_digest|}" "$1"; fi
}

# What kubectl apply -k would apply names our images by their digests and nothing else.
require_pinned() {
    local rendered found
    rendered=$(kubectl kustomize "$1")
    found=$(sed -n 's/^ *\(- \)\{0,1\}image: //p' <<<"$rendered" | grep -v "^${EXPORTER}[:@]" |
        grep -vx -e "$registry/redis@$(digest_of redis)" -e "$registry/sentinel@$(digest_of sentinel)" || true)
    [[ -z $found ]] || die "$(basename "$1") has images that are not pinned: $(sort -u <<<"$found" | paste -sd ' ')"
}

# Of the people and the time of its parent: made again, it is the same commit.
release_commit() {
    local clone=$1
    git -C "$clone" add manifests
    GIT_AUTHOR_NAME=$(git -C "$clone" log -1 --format=%an) GIT_AUTHOR_EMAIL=$(git -C "$clone" log -1 --format=%ae) \
        GIT_COMMITTER_NAME=$(git -C "$clone" log -1 --format=%cn) GIT_COMMITTER_EMAIL=$(git -C "$clone" log -1 --format=%ce) \
        GIT_AUTHOR_DATE="$epoch +0000" GIT_COMMITTER_DATE="$epoch +0000" \
        git -C "$clone" commit-tree "$(git -C "$clone" write-tree)" -p "$commit" -m "Release v$version: images pinned by their digests"
}

make_chart() {
    local chart=$work/chart/sidecars layout=$work/oci-chart exporter config
    exporter=$EXPORTER:$(sed -n "/name: ${EXPORTER//\//\\/}\$/{n;s/ *newTag: //p}" "$ROOT/manifests/base/kustomization.yaml")
    if [[ -n $exporter_digest ]]; then exporter=$EXPORTER@$exporter_digest; fi
    mkdir -p "$chart" "$work/result/charts" "$layout"
    dotnet run --project "$ROOT/scripts/release.d/Sidecars.Chart" --configuration Release --verbosity quiet -- \
        --manifests "$ROOT/manifests" --version "$version" --redis "$registry/redis@$(digest_of redis)" \
        --sentinel "$registry/sentinel@$(digest_of sentinel)" --exporter "$exporter" --out "$chart" >&2
    packed "$work/chart.tar" "$work/chart" sidecars
    gzip -9 --no-name <"$work/chart.tar" >"$work/result/charts/sidecars-$version.tgz"
    # As helm push would send it: the values of Chart.yaml as JSON, and the archive.
    sed -n 's/^\([a-zA-Z]*\): "\{0,1\}\([^"]*\)"\{0,1\}$/"\1":"\2"/p' "$chart/Chart.yaml" | paste -sd , | sed 's/.*/{&}/' >"$work/config"
    put "$layout" "$work/config"
    config='{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:'$DIGEST'","size":'$SIZE'}'
    put "$layout" "$work/result/charts/sidecars-$version.tgz"
    printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":%s,' "$OCI" "$config" >"$work/manifest"
    printf '"layers":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
        application/vnd.cncf.helm.chart.content.v1.tar+gzip "$DIGEST" "$SIZE" >>"$work/manifest"
    put "$layout" "$work/manifest"
    finish "$layout" "$OCI.manifest.v1+json"
    packed "$work/result/charts/sidecars-$version.oci.tar" "$layout" blobs index.json oci-layout
    echo "$registry/charts/sidecars chart sha256:$DIGEST" >>"$work/result/digests.txt"
}

make_sums() {
    (cd "$work/result" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum) >"$work/SHA256SUMS"
    mv "$work/SHA256SUMS" "$work/result/"
}

# Checked at once with the public half: a signature that nobody can check is none.
sign() {
    local digest=() sums=$work/result/SHA256SUMS
    if [[ $(key_kind) == ec ]]; then digest=(-digest sha256); fi
    openssl pkey -in "$key" -pubout -out "$work/result/release.pub"
    openssl pkeyutl -sign -inkey "$key" -rawin "${digest[@]}" -in "$sums" -out "$sums.sig"
    openssl pkeyutl -verify -pubin -inkey "$work/result/release.pub" -rawin "${digest[@]}" -in "$sums" -sigfile "$sums.sig" >&2
}
