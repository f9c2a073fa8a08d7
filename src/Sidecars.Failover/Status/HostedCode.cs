using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Status;

/// <summary>Takes a decision of <c>redis-bootstrap</c> again, from its logged snapshot.</summary>
/// <param name="snapshot">As it stands in the log.</param>
/// <returns>Which rules, and what they decide now; null where the snapshot can't be read, with why.</returns>
public delegate (string Policy, IDecision? Decision, string Why) BootstrapReplay(JsonElement snapshot);

/// <summary>Code of other executables in the same file; null: the file has none.</summary>
/// <param name="Backups">Of <c>redis-backup</c>.</param>
/// <param name="Bootstrap">Of <c>redis-bootstrap</c>.</param>
internal sealed record HostedCode(BackupLook? Backups, BootstrapReplay? Bootstrap)
{
    /// <summary>Nothing but <c>redis-failover</c>.</summary>
    public static HostedCode None { get; } = new(null, null);
}
