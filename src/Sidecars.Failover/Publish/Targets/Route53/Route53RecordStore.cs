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
    public async Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation)
    {
        // Sorted by labels from the right, so that what lies below the name follows it: one page has both, unless the name has
        // many others below it.
        var sets = ImmutableArray.CreateBuilder<DnsRecordSet>();
        (string Name, string? Type, string? Identifier) from = (name, null, null);
        for (var pages = 0; pages < MaxPages; pages++)
        {
            var result = await client.ListAsync(from.Name, from.Type, from.Identifier, cancellation);
            if (result is not TargetResult<Route53Page>.Done(var page))
                return new TargetResult<DnsSnapshot>.Failed(((TargetResult<Route53Page>.Failed)result).Failure);
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

        return new TargetResult<DnsSnapshot>.Failed(
            new TargetFailure(TargetFailureKind.Misconfigured, $"more than {MaxPages} pages of records at {name}"));
    }

    /// <inheritdoc/>
    public async Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation) =>
        await client.ChangeAsync(change, cancellation) switch
        {
            TargetResult<Route53Change>.Done(var applied) => new TargetResult<string>.Done(applied.Id),
            var other => new TargetResult<string>.Failed(((TargetResult<Route53Change>.Failed)other).Failure),
        };

    /// <inheritdoc/>
    public async Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) =>
        await client.GetChangeAsync(changeId, cancellation) is TargetResult<Route53Change>.Done(var change) ? change.IsInSync : null;

    private static TargetResult<DnsSnapshot>.Done Known(ImmutableArray<DnsRecordSet>.Builder sets) =>
        new(new DnsSnapshot(sets.ToImmutable()));
}
