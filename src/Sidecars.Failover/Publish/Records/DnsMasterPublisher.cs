using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Records;

/// <summary>The master as a record of a zone. Rules: <see cref="DnsPublishPolicy"/>.</summary>
/// <param name="name">Short name of the kind of zone.</param>
/// <param name="recordName">The record.</param>
/// <param name="ttlSeconds">Its life.</param>
/// <param name="store">The zone.</param>
/// <param name="publisher">Over the same zone.</param>
public sealed class DnsMasterPublisher(string name, string recordName, int ttlSeconds, IDnsRecordStore store, DnsPublisher publisher) : IMasterPublisher
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => $"{recordName} in {store.Description}";

    /// <inheritdoc/>
    public bool CanPublish(MasterPublication publication) => DnsTarget.TryParse(publication.Outside, out _);

    /// <inheritdoc/>
    public string AddressOf(MasterPublication publication) => DnsTarget.TryParse(publication.Outside, out var target) ? target.Value : "";

    /// <inheritdoc/>
    public async Task<PublishedMaster?> LookAsync(CancellationToken cancellation) =>
        await publisher.LookAsync(recordName, "_redis-master." + recordName, cancellation).ConfigureAwait(false) is { } state
            ? new PublishedMaster(state.Token, state.Target.Value)
            : null;

    /// <inheritdoc/>
    public Task<bool?> IsEverywhereAsync(string changeId, CancellationToken cancellation) => store.IsEverywhereAsync(changeId, cancellation);

    /// <inheritdoc/>
    public async Task<PublishOutcome?> PublishAsync(Func<MasterPublication?> wanted, bool fresh, CancellationToken cancellation)
    {
        var result = await publisher.PublishAsync(() => wanted() is { } publication ? Publication(publication) : null, fresh, cancellation).ConfigureAwait(false);
        return result is null ? null : result.Value.Decision switch
        {
            DnsDecision.Publish write => new PublishOutcome.Written(write.Code, write.Reason, result.Value.ChangeId),
            DnsDecision.UpToDate same => new PublishOutcome.UpToDate(same.Reason),
            DnsDecision.Superseded newer => new PublishOutcome.Superseded(Of(newer.Published), newer.Reason),
            DnsDecision.Contested other => new PublishOutcome.Contested(Of(other.Published), other.Reason),
            var refused => new PublishOutcome.Refused(refused.Code, refused.Reason),
        };
    }

    private static PublishedMaster Of(DnsRecordState state) => new(state.Token, state.Target.Value);

    private DnsPublication? Publication(MasterPublication publication) => DnsTarget.TryParse(publication.Outside, out var target)
        ? new DnsPublication { Name = recordName, TtlSeconds = ttlSeconds, State = new DnsRecordState { Cluster = publication.Cluster, Token = publication.Token, Target = target } }
        : null;
}
