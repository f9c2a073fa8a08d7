using System.Collections.Immutable;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Route53;

/// <summary>A hosted zone of Route 53.</summary>
/// <param name="client">The API.</param>
/// <param name="zoneId">For messages.</param>
public sealed class Route53RecordStore(Route53Client client, string zoneId) : IDnsRecordStore
{
    // 2,000 sets at or below one name: whatever that is, it is not ours.
    private const int MaxPages = 20;

    /// <inheritdoc/>
    public string Description => "Route 53 zone " + zoneId;

    /// <inheritdoc/>
    public async Task<DnsRead> ReadAsync(string name, string ownerName, CancellationToken cancellation)
    {
        // Sorted by labels from the right, so that what lies below the name follows it: one page has both, unless the name has
        // many others below it.
        var sets = ImmutableArray.CreateBuilder<DnsRecordSet>();
        (string Name, string? Type, string? Identifier) from = (name, null, null);
        for (var pages = 0; pages < MaxPages; pages++)
        {
            var result = await client.ListAsync(from.Name, from.Type, from.Identifier, cancellation);
            if (result is not Route53Result<Route53Page>.Ok(var page)) return new DnsRead.Failed(((Route53Result<Route53Page>.Failed)result).Failure);
            sets.AddRange(page.Sets.Where(set => set.Name == name || set.Name == ownerName));
            if (page.NextName is not { } next) return Known(sets);
            if (next == name || next == ownerName)
            {
                from = (next, page.NextType, page.NextIdentifier);
            }
            else
            {
                var isBelow = next.EndsWith("." + name, StringComparison.Ordinal);
                if (!isBelow || from.Name == ownerName || sets.Any(set => set.Name == ownerName)) return Known(sets);
                from = (ownerName, null, null);
            }
        }

        return new DnsRead.Failed(new DnsFailure(DnsFailureKind.Misconfigured, $"more than {MaxPages} pages of records at {name}"));
    }

    /// <inheritdoc/>
    public async Task<DnsWrite> ApplyAsync(DnsChange change, CancellationToken cancellation) => await client.ChangeAsync(change, cancellation) switch
    {
        Route53Result<Route53Change>.Ok(var applied) => new DnsWrite.Applied(applied.Id),
        Route53Result<Route53Change>.Failed(_, { Code: "InvalidChangeBatch" } error) => Refused(error),
        Route53Result<Route53Change>.Failed failed => new DnsWrite.Failed(failed.Failure),
        _ => throw new InvalidOperationException(),
    };

    /// <inheritdoc/>
    public async Task<bool?> IsEverywhereAsync(string changeId, CancellationToken cancellation) =>
        await client.GetChangeAsync(changeId, cancellation) is Route53Result<Route53Change>.Ok(var change) ? change.IsInSync : null;

    private static DnsRead.Known Known(ImmutableArray<DnsRecordSet>.Builder sets) => new(new DnsSnapshot(sets.ToImmutable()));

    // The one code stands for lost races and for what will never be accepted (a name outside the zone, a protected record): the
    // messages tell them apart. Words that are new to us count as the latter, which alerts, and is tried again all the same.
    private static DnsWrite Refused(Route53Error error)
    {
        var isRace = error.Message.Contains("not found", StringComparison.Ordinal)
            || error.Message.Contains("do not match the current values", StringComparison.Ordinal)
            || error.Message.Contains("already exists", StringComparison.Ordinal);
        return isRace ? new DnsWrite.Conflict(error.Message) : new DnsWrite.Failed(new DnsFailure(DnsFailureKind.Misconfigured, error.Message));
    }
}
