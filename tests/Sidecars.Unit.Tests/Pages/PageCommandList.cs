namespace Sidecars.Unit.Tests.Pages;

/// <summary>A command by its first words; the longest entry that fits counts.</summary>
/// <param name="Words">The first words.</param>
/// <param name="Test">The class of the test that runs it; null: none does.</param>
/// <param name="Evidence">A text of that test's source that shows what it runs; without a test, the reason.</param>
internal sealed record PageCommand(string Words, string? Test, string Evidence)
{
    public static PageCommand By(string words, string test, string evidence) => new(words, test, evidence);

    public static PageCommand Not(string words, string reason) => new(words, null, reason);
}

/// <summary>The commands of the pages: each with its test, or with the reason why it has none.</summary>
internal static class PageCommandList
{
    private const string NeedsCluster = "needs a cluster";
    private const string ReadsCluster = "reads a cluster; RunbookTests asks kubectl whether it has the verb";
    private const string ChangesCluster = "changes a cluster; RunbookTests asks kubectl whether it has the verb";
    private const string NeedsRegistry = "needs a registry that takes images";
    private const string NeedsDocker = "needs Docker; ComposeTests and LocalPageTests compare services and files with docker/compose.yaml";
    private const string NeedsKind = "needs Docker and kind's nodes";
    private const string Filter = "a tool of the system that shortens what another prints";
    private const string OldServer = "asks or changes the reader's own server; RunbookTests runs the job of the page against one";
    private const string Measures = "measures for minutes; what it prints is in figures.md";

    /// <summary>Every entry.</summary>
    public static readonly IReadOnlyList<PageCommand> Commands =
    [
        .. Executables(), .. Tenants(), .. Scripts(), .. Release(), .. Cluster(), .. Others(),
    ];

    /// <summary>Pages whose blocks make one program, which a test takes from the page and runs.</summary>
    public static readonly IReadOnlyDictionary<string, PageCommand> Programs = new Dictionary<string, PageCommand>
    {
        ["manifests/docs/restore-by-hand.md"] = PageCommand.By("", "PointInTimeTests", "manifests/docs/restore-by-hand.md"),
        ["manifests/docs/local.md"] = PageCommand.By("", "LocalPageTests", "\"local.md\""),
    };

    /// <summary>The entry of a command; null: there is none.</summary>
    public static PageCommand? Find(string command) =>
        Commands.Where(known => command == known.Words || command.StartsWith(known.Words + " ", StringComparison.Ordinal))
            .MaxBy(known => known.Words.Length);

    private static PageCommand[] Executables() =>
    [
        PageCommand.By("redis-failover run", "BlockedLogTests", "master, [\"run\"]"),
        PageCommand.By("redis-failover status", "StatusTests", "StatusAsync(rig, "),
        PageCommand.By("redis-failover status --watch", "StatusTests", "[\"status\", \"--watch\"]"),
        PageCommand.By("redis-failover status --explain", "StatusTests", "\"--explain\", node.ConfigFolder"),
        PageCommand.By("redis-failover step-down", "StepDownTests", "rig.StepDownAsync(master)"),
        PageCommand.By("redis-failover passwords", "ProtectedGroupTests", "\"passwords\""),
        PageCommand.By("redis-failover completion", "CompletionTests", "PrintedAsync(\"redis-failover\", \"bash\")"),
        PageCommand.By("redis-backup run", "PointInTimeTests", "rig.StartSidecarAsync()"),
        PageCommand.By("redis-backup now", "SnapshotTests", "rig.RunAsync(\"now\")"),
        PageCommand.By("redis-backup list", "HoleTests", "rig.RunAsync(\"list\")"),
        PageCommand.By("redis-backup show", "RetentionTests", "\"show\""),
        PageCommand.By("redis-backup verify", "DamageTests", "\"verify\""),
        PageCommand.By("redis-backup prune", "ProgressTests", "\"prune\""),
        PageCommand.By("redis-backup restore", "PointInTimeTests", "\"restore\""),
        PageCommand.By("redis-backup completion", "CompletionTests", "PrintedAsync(\"redis-backup\", \"bash\")"),
        PageCommand.By("redis-bootstrap redis", "LocalPageTests", "\"redis-bootstrap\", \"redis-failover\""),
        PageCommand.By("redis-bootstrap sentinel", "LocalPageTests", "\"redis-bootstrap\", \"redis-failover\""),
        PageCommand.By("redis-bootstrap start", "SecondStartTests", "\"start\""),
        PageCommand.By("redis-bootstrap trust", "EmptyStartTests", "\"trust\""),
        PageCommand.By("redis-bootstrap allow-empty", "EmptyStartTests", "\"allow-empty\""),
        PageCommand.By("redis-probe startup", "RedisTruthTableTests", "\"startup\""),
        PageCommand.By("redis-probe liveness", "RedisTruthTableTests", "\"liveness\""),
        PageCommand.By("redis-probe readiness", "SentinelTruthTableTests", "\"readiness\""),
    ];

    private static PageCommand[] Tenants() =>
    [
        PageCommand.By("scripts/tenant new", "NewTenantTests", "\"new\""),
        PageCommand.By("scripts/tenant secret", "ScriptTests", "\"secret\""),
        PageCommand.By("scripts/tenant apply", "ScriptTests", "\"apply\""),
        PageCommand.By("scripts/tenant status", "StatusTests", "\"status\""),
        PageCommand.By("scripts/tenant diff", "FieldManagerTests", "\"diff\""),
        PageCommand.By("scripts/tenant upgrade", "ScriptTests", "\"upgrade\""),
        PageCommand.By("scripts/tenant resize", "ScriptTests", "\"resize\""),
        PageCommand.By("scripts/tenant delete", "ScriptTests", "\"delete\""),
        PageCommand.By("scripts/tenant rotate-password", "RotatePasswordTests", "\"rotate-password\""),
        PageCommand.By("scripts/tenant ask", "ScriptTests", "\"ask\""),
        PageCommand.Not("scripts/tenant check", "builds and runs the tests of manifests on one tenant, which scripts/test runs on all"),
    ];

    private static PageCommand[] Scripts() =>
    [
        PageCommand.By("scripts/images", "ImageTests", "\"images\""),
        PageCommand.By("scripts/images --push", "PushTests", "\"--push\", Registry"),
        PageCommand.By("scripts/demo", "TourTests", "\"--scenario\", \"tour\""),
        PageCommand.By("scripts/demo --keep", "KeepTests", "\"--keep\""),
        PageCommand.By("scripts/demo --stop", "KeepTests", "scripts/demo --stop"),
        PageCommand.Not("scripts/demo --scenario rolling", Measures),
        PageCommand.Not("scripts/demo --scenario volumes-lost", Measures),
        PageCommand.Not("scripts/test", "runs these tests"),
        PageCommand.Not("scripts/publish", "scripts/test runs it before the tests that use the executables"),
        PageCommand.Not("scripts/setup", "changes the machine; scripts/test runs it first"),
        PageCommand.Not("scripts/lint", ".ci/run runs it, without --fix"),
        PageCommand.Not("scripts/faults", "needs root and hours; Sidecars.Faults plays single cases with the same code"),
        PageCommand.Not("scripts/soak", "an hour or more; runs tests of this repository"),
        PageCommand.Not("scripts/bench", Measures),
        PageCommand.Not("nice -n -15 scripts/bench", Measures),
        PageCommand.Not("dotnet test", "runs tests of this repository"),
    ];

    private static PageCommand[] Release() =>
    [
        PageCommand.By("scripts/release", "ReleaseTests", "\"--key\""),
        PageCommand.By("sha256sum", "ReleaseTests", "\"--check\", \"--strict\""),
        PageCommand.By("openssl pkeyutl -verify", "ReleaseTests", "\"pkeyutl\", \"-verify\""),
        PageCommand.By("kubectl apply -k", "ReleaseTests", "//manifests/tenants/{tenant}?ref=v"),
        PageCommand.By("git fetch", "ReleaseTests", "\"fetch\""),
        PageCommand.Not("git push", "needs a remote repository"),
        PageCommand.Not("docker build", "needs Docker; scripts/images builds the same Dockerfiles by buildah"),
        PageCommand.Not("docker pull", NeedsRegistry),
        PageCommand.Not("docker tag", "needs Docker; names for kind"),
        PageCommand.Not("buildah", NeedsRegistry),
        PageCommand.Not("skopeo copy", NeedsRegistry),
    ];

    private static PageCommand[] Cluster() =>
    [
        PageCommand.Not("helm install", NeedsCluster + "; ChartTests renders what it would send"),
        PageCommand.Not("helm show", "prints files of the chart, which ChartTests reads"),
        PageCommand.Not("helm upgrade", NeedsCluster),
        PageCommand.Not("helm uninstall", NeedsCluster),
        PageCommand.Not("kind create cluster", NeedsCluster + "; KindTests compares its file with a tenant's constraints"),
        PageCommand.Not("kind load", NeedsKind),
        PageCommand.Not("docker exec", NeedsKind),
        PageCommand.Not("docker start", NeedsKind),
        PageCommand.Not("docker stop", NeedsKind),
        PageCommand.Not("docker compose up", NeedsDocker),
        PageCommand.Not("docker compose exec", NeedsDocker),
        PageCommand.Not("docker compose restart", NeedsDocker),
        PageCommand.Not("flux suspend", NeedsCluster + " with Flux"),
        PageCommand.Not("flux resume", NeedsCluster + " with Flux"),
        PageCommand.Not("cmctl renew", NeedsCluster + " with cert-manager"),
        PageCommand.Not("external-dns", "arguments of a deployment that is not ours"),
        PageCommand.Not("kubectl create secret", NeedsCluster + "; what uses the Secrets is rendered by InstallPageTests"),
        PageCommand.Not("kubectl create namespace", NeedsCluster),
        PageCommand.Not("kubectl label", ChangesCluster),
        PageCommand.Not("kubectl apply", ChangesCluster + "; what it applies is checked there, too"),
        PageCommand.Not("kubectl patch", ChangesCluster),
        PageCommand.Not("kubectl edit", ChangesCluster),
        PageCommand.Not("kubectl scale", ChangesCluster),
        PageCommand.Not("kubectl delete", ChangesCluster),
        PageCommand.Not("kubectl drain", ChangesCluster),
        PageCommand.Not("kubectl rollout", ChangesCluster),
        PageCommand.Not("kubectl exec", NeedsCluster + "; what it runs in the container has an entry of its own"),
        PageCommand.Not("kubectl get", ReadsCluster),
        PageCommand.Not("kubectl describe", ReadsCluster),
        PageCommand.Not("kubectl logs", ReadsCluster),
        PageCommand.Not("kubectl top", ReadsCluster),
        PageCommand.Not("kubectl wait", ReadsCluster),
    ];

    private static PageCommand[] Others() =>
    [
        PageCommand.By("kill $(jobs -p)", "LocalPageTests", "kill $(jobs -p)"),
        PageCommand.By("kill -9", "TourTests", "kill -9 of the master"),
        PageCommand.By("redis-server --appendonly", "PointInTimeTests", "appendonly yes"),
        PageCommand.Not("redis-cli", OldServer),
        PageCommand.Not("redis-check-aof", "of Redis, for a damaged file"),
        PageCommand.Not("aws s3", "needs a bucket; PointInTimeTests restores from the same files in a folder"),
        PageCommand.Not("cp -r", "copies the reader's store"),
        PageCommand.Not("printf", "writes the reader's own key"),
        PageCommand.Not("rm", "removes what the line before wrote"),
        PageCommand.Not("mktemp", "makes a folder for the reader's passwords"),
        PageCommand.Not("openssl rand", "makes the reader's passwords"),
        PageCommand.Not("openssl x509", Filter),
        PageCommand.Not("base64", Filter),
        PageCommand.Not("grep", Filter),
        PageCommand.Not("sort", Filter),
        PageCommand.Not("tail", Filter),
        PageCommand.Not("tr", Filter),
        PageCommand.Not("du", "reads the data directory in a container"),
        PageCommand.Not("df", "reads the data directory in a container"),
        PageCommand.Not("sh -c", "reads the notes of the rescue copies in a container"),
    ];
}
