using Sidecars.Failover.Publish.Addresses;

namespace Sidecars.Failover.Publish.Records;

/// <summary>The master as a record of a zone. Rules: <see cref="DnsPublishPolicy"/>.</summary>
/// <param name="name">Short name of the kind of zone.</param>
/// <param name="recordName">The record.</param>
/// <param name="ttlSeconds">Its life.</param>
/// <param name="store">The zone.</param>
public sealed class DnsRecordTarget(string name, string recordName, int ttlSeconds, IDnsRecordStore store)
    : IPublishTarget<DnsSnapshot, DnsChange>
{
    private readonly string _ownerName = DnsPublication.OwnerNameOf(recordName);

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => $"{recordName} in {store.Description}";

    /// <inheritdoc/>
    public string? AddressOf(MasterAddresses addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return DnsTarget.TryParse(addresses.External, out var target) ? target.Value : null;
    }

    /// <inheritdoc/>
    public Task<TargetResult<DnsSnapshot>> ReadAsync(CancellationToken cancellation) =>
        store.ReadAsync(recordName, _ownerName, cancellation);

    /// <inheritdoc/>
    public PublishedMaster? MasterOf(DnsSnapshot state) => DnsPublishPolicy.Published(_ownerName, state)?.Master;

    /// <inheritdoc/>
    public TargetPlan<DnsChange> Plan(MasterPublication wanted, DnsSnapshot state)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (!DnsTarget.TryParse(wanted.Addresses.External, out var target))
            return TokenPlan.Refuse<DnsChange>("no-address", $"{wanted.Addresses.External} is neither an address nor a name");
        var record = new DnsRecordState { Cluster = wanted.Cluster, Token = wanted.Token, Target = target };
        return DnsPublishPolicy.Decide(new DnsPublication { Name = recordName, TtlSeconds = ttlSeconds, State = record }, state);
    }

    /// <inheritdoc/>
    public async Task<TargetResult<(DnsSnapshot State, string ChangeId)>> WriteAsync(
        DnsSnapshot from, DnsChange change, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(from);
        return await store.ApplyAsync(change, cancellation).ConfigureAwait(false) switch
        {
            TargetResult<string>.Done done => new TargetResult<(DnsSnapshot, string)>.Done((from.After(change), done.Value)),
            var other => new TargetResult<(DnsSnapshot, string)>.Failed(((TargetResult<string>.Failed)other).Failure),
        };
    }

    /// <inheritdoc/>
    public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) =>
        store.IsPropagatedAsync(changeId, cancellation);
}
