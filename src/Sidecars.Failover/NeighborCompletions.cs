using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>
/// Holds what a shell offers for the executables beside this one, which print no completion script themselves, to stay small. A test
/// compares it with their <c>--help</c>.
/// </summary>
internal static class NeighborCompletions
{
    private static readonly CompletionWord Help = new("--help", "Show what it does, and its settings", [], true);
    private static readonly CompletionWord Version = new("--version", "Show the version", [], true);
    private static readonly CompletionWord Role =
        new("--role", "What it looks at; without it SENTINEL, the configuration or the reply decides", ["redis", "sentinel"], false);

    /// <summary>Lists the programs.</summary>
    public static readonly IReadOnlyList<CompletionProgram> All = [Bootstrap(), Probe("redis-probe"), Probe("redis-probe-tls")];

    private static CompletionProgram Bootstrap() => new(
        "redis-bootstrap",
        new CompletionNode("", "", [Help, Version], []),
        [
            new CompletionNode("redis", "start Redis as master or replica", [Help], []),
            new CompletionNode("sentinel", "start Sentinel", [Help], []),
            new CompletionNode("start", "start what SENTINEL says: a Sentinel where it is true, else Redis", [Help], []),
            new CompletionNode("allow-empty", "allow a durable group to start though every disk is empty, once", [Help], []),
            new CompletionNode("trust", "the data of NODE are the group's: it wins the next election, or is followed", [Help], []),
        ]);

    private static CompletionProgram Probe(string name) => new(
        name,
        new CompletionNode("", "", [Role, Help, Version], []),
        [
            new CompletionNode("startup", "it has come up", [Role, Help], []),
            new CompletionNode("liveness", "it lives", [Role, Help], []),
            new CompletionNode("readiness", "clients may come", [Role, Help], []),
        ]);
}
