# The tests of manifests/ on one tenant, without a cluster.
# Part of scripts/tenant; sourced, never run.
# shellcheck shell=bash

# What is tested is the tenant, not the code: one framework, and nothing that only those need who change the code (analyzers, nullable
# warnings, an audit of packages, documentation, symbols, hosts). The tests are the same.
CHECK_BUILD=(
    -p:TargetFrameworks=net10.0 -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false -p:Nullable=annotations -p:IsAotCompatible=false
    -p:NuGetAudit=false -p:GenerateDocumentationFile=false -p:DebugType=none -p:ProduceReferenceAssembly=false -p:UseAppHost=false
)

check() {
    local log
    folder_of "$1" >/dev/null
    need_kubectl
    require_complete "$1"
    log=$(mktemp)
    # In a folder of its own, or a later build would take what was compiled here for analyzed. Profiles are for processes that live longer.
    if SIDECARS_TENANT=$1 DOTNET_TieredPGO=0 dotnet test "$ROOT/tests/Sidecars.Manifests.Tests" --nologo -v q \
        --artifacts-path "$ARTIFACTS/check" "${CHECK_BUILD[@]}" \
        --filter "FullyQualifiedName~Policies|FullyQualifiedName~Schema" >"$log" 2>&1; then
        grep -o 'Passed: *[0-9]*' "$log" | sed "s/^/tenant $1: /"
        rm -f "$log"
    else
        grep -vE '^ +at |^$' "$log" >&2
        rm -f "$log"
        die "$1 does not pass"
    fi
}
