using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Election;

/// <summary>
/// The highest epoch in the group's Lease. A Lease that does not exist is a group without an epoch; it is never created
/// here, since its term is not known here.
/// </summary>
/// <param name="store">The group's Lease.</param>
/// <param name="cluster">The tenant.</param>
public sealed class LeaseEpochStore(GroupLeaseStore store, ClusterId cluster) : IEpochStore
{
    private const int Tries = 3; // a conflict means that a neighbour has just written, most likely the same

    /// <inheritdoc/>
    public string Description => "lease:" + store.LeaseName;

    /// <inheritdoc/>
    public async Task<EpochReading> ReadAsync(CancellationToken cancellation) =>
        Understand(await store.ReadAsync(cancellation).ConfigureAwait(false));

    /// <inheritdoc/>
    public async Task<EpochReading> RaiseAsync(long epoch, RedisEndpoint master, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epoch, EpochReading.MaxEpoch);
        var why = "it keeps changing";
        for (var i = 0; i < Tries; i++)
        {
            var read = await store.ReadAsync(cancellation).ConfigureAwait(false);
            if (read is StoreRead<GroupLeaseSnapshot>.Missing)
                return new EpochReading.Unavailable($"Lease {store.LeaseName} does not exist");
            if (read is not StoreRead<GroupLeaseSnapshot>.Found found || found.Value.Record.HighestEpoch >= epoch) return Understand(read);

            // The holder's part stays as it is: a renewTime from here would extend a dead holder's Lease.
            var next = LeaseRecord.Apply(found.Value.Lease, cluster.Value, found.Value.Record with { HighestEpoch = epoch });
            switch (await store.WriteAsync(next, cancellation).ConfigureAwait(false))
            {
                case StoreWrite<GroupLeaseSnapshot>.Written written: return Of(written.Value.Record);
                case StoreWrite<GroupLeaseSnapshot>.NotWritten no: return new EpochReading.Unavailable(no.Failure.Message);
                case StoreWrite<GroupLeaseSnapshot>.OutcomeUnknown unknown: why = unknown.Failure.Message; break;
            }
        }

        return new EpochReading.Unavailable($"Lease {store.LeaseName} could not be raised: {why}");
    }

    private static EpochReading Understand(StoreRead<GroupLeaseSnapshot> read) => read switch
    {
        StoreRead<GroupLeaseSnapshot>.Found found => Of(found.Value.Record),
        StoreRead<GroupLeaseSnapshot>.Missing => new EpochReading.Known(0, null),
        StoreRead<GroupLeaseSnapshot>.Invalid invalid => new EpochReading.Unavailable(invalid.Fault.ToString()),
        StoreRead<GroupLeaseSnapshot>.Unavailable unavailable => new EpochReading.Unavailable(unavailable.Failure.Message),
        _ => throw new ArgumentOutOfRangeException(nameof(read)),
    };

    // Whose epoch it is stands only with the last master that was seen to serve, and only if that was in this epoch.
    private static EpochReading.Known Of(ElectionRecord record) =>
        new(record.HighestEpoch, record.LastServing is { } serving && serving.Token.Epoch == record.HighestEpoch ? serving.Address : null);
}
