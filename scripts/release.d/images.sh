# From exported layouts to one archive for all platforms.
# Part of scripts/release; sourced, never run.
# shellcheck shell=bash disable=SC2154  # options are set by scripts/release

OCI=application/vnd.oci.image

# Each layout in $work/images, checked: of this commit and version, and each executable of the platform that it is named by.
gather_images() {
    local platform image arguments=()
    mkdir -p "$work/images" "$work/result/sbom"
    if [[ -n $base ]]; then arguments=(--release --base "$base"); fi
    for platform in ${platforms//,/ }; do
        if is_exported "$platform"; then
            cp -r "$images"/{redis,sentinel}-"$platform"{,.spdx.json} "$work/images/"
        else
            "$ROOT/scripts/images" --export "$work/images" ${arguments[@]+"${arguments[@]}"} >&2
        fi
        for image in redis sentinel; do
            check_layout "$work/images/$image-$platform" "$image" "$platform"
            cp "$work/images/$image-$platform.spdx.json" "$work/result/sbom/"
        done
    done
    if [[ $platforms == *,* ]]; then for image in redis sentinel; do compare_sboms "$image" "${platforms%,*}" "${platforms#*,}"; done; fi
}

# One line for each package of an SBOM: name, version, what it is for. dpkg adds the platform to some names.
packages_of() {
    sed -n 's/.*"name": "\([^"]*\)", "versionInfo": "\([^"]*\)", "primaryPackagePurpose": "\([^"]*\)".*/\1 \2 \3/p' "$1" |
        sed 's/^\([^ :]*\):[a-z0-9]* /\1 /'
}

# compare_sboms IMAGE PLATFORM PLATFORM: both are of one runtime, whose faults are ours to mend. Packages of the base may differ (a registry
# builds each platform at a time of its own): they are named, for a person to judge.
compare_sboms() {
    local file=$work/result/sbom/$1 differences ours
    differences=$(awk 'NR == FNR { version[$1] = $2; next } $1 in version && version[$1] != $2 { print $1, version[$1], $2, $3 }' \
        <(packages_of "$file-$2.spdx.json") <(packages_of "$file-$3.spdx.json"))
    ours=$(awk 'NF && $4 != "LIBRARY" { print $1, $2, "and", $3 }' <<<"$differences" | head -n 1)
    [[ -z $ours ]] || die "$1 has $ours in $2 and $3: export both with the same SDK"
    [[ -z $differences ]] || say "release: $1 differs between $2 and $3:" \
        "$(awk '{ printf "%s%s %s and %s", sep, $1, $2, $3; sep = ", " }' <<<"$differences")"
}

# The JSON of a blob on one line; file names are hashes, so what a blob says of another one is checked by reading that.
blob() { tr -d ' \n' <"$1/blobs/sha256/$2"; }

# The only manifest of a layout.
manifest_of() { tr -d ' \n' <"$1/index.json" | sed -n 's/.*"digest":"sha256:\([0-9a-f]\{64\}\)".*/\1/p'; }

# check_layout LAYOUT IMAGE PLATFORM
check_layout() {
    local layout=$1 image=$2 platform=$3 file manifest config name machine
    for file in "$layout"/blobs/sha256/*; do
        [[ $(sha256sum "$file" | cut -d' ' -f1) == "${file##*/}" ]] || die "$layout: a blob is damaged: ${file##*/}"
    done
    manifest=$(manifest_of "$layout")
    config=$(blob "$layout" "$manifest" | sed -n 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]\{64\}\)".*/\1/p')
    [[ $(blob "$layout" "$config") == *"\"architecture\":\"$platform\""* ]] || die "$image-$platform is not of $platform"
    [[ $(blob "$layout" "$config") == *"\"org.opencontainers.image.revision\":\"$commit\""* ]] ||
        die "$image-$platform was not built from this commit, ${commit:0:12}"
    [[ $(blob "$layout" "$config") == *"\"org.opencontainers.image.version\":\"$version\""* ]] ||
        die "$image-$platform is not of version $version"
    rm -rf "$work/root"
    mkdir "$work/root"
    for name in $(blob "$layout" "$manifest" | sed 's/.*"layers"://' | grep -o '"digest":"sha256:[0-9a-f]*"' | cut -d: -f3 | tr -d '"'); do
        tar -xf "$layout/blobs/sha256/$name" -C "$work/root" --wildcards 'usr/local/bin/redis-*' 2>/dev/null || true
    done
    for name in redis-bootstrap redis-probe $([[ $image != redis ]] || echo redis-sidecars); do
        # e_machine of the ELF header: 62 is x86-64, 183 is AArch64.
        machine=$(od -An -tu2 -j18 -N2 "$work/root/usr/local/bin/$name" 2>/dev/null | tr -d ' ') || die "$image-$platform has no $name"
        [[ $(head -c 4 "$work/root/usr/local/bin/$name") == $'\x7fELF' && $platform:$machine =~ ^(amd64:62|arm64:183)$ ]] ||
            die "$name in $image-$platform is no executable of $platform"
    done
}

# packed FILE FOLDER MEMBER…: a tar that depends on the content alone.
packed() {
    local file=$1 folder=$2
    shift 2
    tar --create --file "$file" --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
        -C "$folder" "$@"
}

# put LAYOUT FILE: adds it as a blob; its digest and size are in $DIGEST and $SIZE.
DIGEST='' SIZE=''
put() {
    DIGEST=$(sha256sum "$2" | cut -d' ' -f1)
    SIZE=$(stat -c %s "$2")
    mkdir -p "$1/blobs/sha256"
    cp "$2" "$1/blobs/sha256/$DIGEST"
}

# finish LAYOUT MEDIATYPE: the layout's index of the one thing in $DIGEST and $SIZE, by the name of the version.
finish() {
    printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
    printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s,' \
        "$OCI" "$2" "$DIGEST" "$SIZE" >"$1/index.json"
    printf '"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' "$version" >>"$1/index.json"
}

make_archives() {
    local image
    mkdir "$work/result/images"
    : >"$work/result/digests.txt"
    for image in redis sentinel; do make_archive "$image"; done
}

make_archive() {
    local image=$1 layout=$work/oci-$1 platform manifest comma=''
    mkdir "$layout"
    printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[' "$OCI" >"$work/index"
    for platform in ${platforms//,/ }; do
        manifest=$(manifest_of "$work/images/$image-$platform")
        mkdir -p "$layout/blobs"
        cp -r "$work/images/$image-$platform/blobs/sha256" "$layout/blobs/"
        printf '%s{"mediaType":"%s.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"architecture":"%s","os":"linux"}}' \
            "$comma" "$OCI" "$manifest" "$(stat -c %s "$layout/blobs/sha256/$manifest")" "$platform" >>"$work/index"
        echo "$registry/$image linux/$platform sha256:$manifest" >>"$work/result/digests.txt"
        comma=,
    done
    printf ']}' >>"$work/index"
    put "$layout" "$work/index"
    finish "$layout" "$OCI.index.v1+json"
    echo "$registry/$image index sha256:$DIGEST" >>"$work/result/digests.txt"
    packed "$work/result/images/$image-$version.oci.tar" "$layout" blobs index.json oci-layout
}

# The digest by which an image is pulled on every platform.
digest_of() { awk -v name="$registry/$1" '$1 == name && $2 == "index" { print $3 }' "$work/result/digests.txt"; }

# is_sent REFERENCE ARCHIVE: true where the registry has exactly this. A version that was pushed once is never sent with other bytes.
is_sent() {
    local expected
    expected=$(tar -xOf "$2" index.json | sed -n 's/.*"digest":"sha256:\([0-9a-f]\{64\}\)".*/\1/p')
    if ! skopeo inspect --raw "docker://$1" >"$work/standing" 2>"$work/said"; then
        grep -qiE 'manifest unknown|name unknown|not found' "$work/said" ||
            die "nothing was pushed: it can't be seen whether $1 is there already: $(tail -n 1 "$work/said")"
        return 1
    fi
    [[ $(sha256sum <"$work/standing" | cut -d' ' -f1) == "$expected" ]] ||
        die "nothing was pushed: $1 is there already with other bytes, and a released version is never made again"
    say "release: $1 is there already"
}

# All are looked at before the first is sent. A name is there when all of it is: a registry takes the manifest last.
push_all() {
    local name archive all missing=()
    local -A archives=([redis]=images/redis [sentinel]=images/sentinel [charts/sidecars]=charts/sidecars)
    for name in redis sentinel charts/sidecars; do
        is_sent "$registry/$name:$version" "$out/${archives[$name]}-$version.oci.tar" || missing+=("$name")
    done
    for name in ${missing[@]+"${missing[@]}"}; do
        archive=$out/${archives[$name]}-$version.oci.tar
        # Every platform; of a chart there is one for all.
        all=(--all)
        [[ $name != charts/* ]] || all=()
        skopeo copy ${all[@]+"${all[@]}"} --preserve-digests "oci-archive:$archive" "docker://$registry/$name:$version" >&2 ||
            die "$registry/$name:$version was not pushed: run the same command again, and what is missing is sent"
    done
}
