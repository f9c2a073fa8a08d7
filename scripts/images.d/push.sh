# Sends the images to a registry.
# Part of scripts/images; sourced, never run.
# shellcheck shell=bash

EXPORTER=docker.io/oliver006/redis_exporter

# require_registry TEXT: as scripts/tenant new --registry takes it.
require_registry() {
    [[ $1 =~ ^[a-z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*$ ]] || misuse "--push: '$1' is not HOST[:PORT][/PATH]"
}

# push_images REGISTRY VERSION: what was built here, and the exporter, which runs in every pod, too; for this machine's architecture.
push_images() {
    local image exporter
    exporter=$EXPORTER:$(sed -n "/name: ${EXPORTER//\//\\/}\$/{n;s/ *newTag: //p}" "$ROOT/manifests/base/kustomization.yaml")
    for image in redis sentinel; do
        say "images: pushes $1/$image:$2"
        storage push --quiet "localhost/sidecars/$image:$2" "docker://$1/$image:$2" ||
            die "$1/$image:$2 was not pushed. For a registry with a login: buildah login ${1%%/*}"
    done
    say "images: copies $exporter"
    storage pull --quiet "docker://$exporter" >/dev/null ||
        die "$exporter was not pulled; copy it to $1/redis_exporter:${exporter##*:} by hand"
    storage push --quiet "$exporter" "docker://$1/redis_exporter:${exporter##*:}" || die "$1/redis_exporter:${exporter##*:} was not pushed"
}
