using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>
/// The master as the EndpointSlice of a Service without selector. What was last seen or written is remembered, so that a switch costs
/// one call; where that is old, the server answers with a conflict, and it is read. Not safe for concurrent use.
/// </summary>
/// <param name="client">The API server; RBAC: get and update on the slice's name, create.</param>
/// <param name="service">Name of the Service and of the slice.</param>
/// <param name="portName">Name of the Service's port.</param>
/// <param name="backoff">Between failures.</param>
/// <param name="onFailure">Each failure, for log and metrics.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class SliceMasterPublisher(
    KubernetesClient client, string service, string portName, BackoffSchedule backoff, Action<string> onFailure, TimeProvider time, Func<double> random) : IMasterPublisher
{
    /// <summary>Its name.</summary>
    public const string Kind = "endpoint-slice";

    private EndpointSliceDocument? _remembered;
    private bool _isRemembered;

    /// <inheritdoc/>
    public string Name => Kind;

    /// <inheritdoc/>
    public string Description => $"EndpointSlice {service}";

    /// <inheritdoc/>
    public bool CanPublish(MasterPublication publication)
    {
        ArgumentNullException.ThrowIfNull(publication);
        return publication.Inside is { IsAddress: true };
    }

    /// <inheritdoc/>
    public string AddressOf(MasterPublication publication)
    {
        ArgumentNullException.ThrowIfNull(publication);
        return publication.Inside?.Host ?? "";
    }

    /// <inheritdoc/>
    public async Task<PublishedMaster?> LookAsync(CancellationToken cancellation)
    {
        if (await ReadAsync(cancellation).ConfigureAwait(false) is { } failure) throw new IOException(failure.Message);
        return _remembered is not null && MasterSlicePlan.TryRead(_remembered, out _, out var token, out var address) ? new PublishedMaster(token, address) : null;
    }

    /// <inheritdoc/>
    public async Task<PublishOutcome?> PublishAsync(Func<MasterPublication?> wanted, bool fresh, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (fresh) _isRemembered = false;
        var failing = new RetryPause(backoff, time, random);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (wanted() is not { Inside: { } inside } publication) return null;
            var isRead = !_isRemembered;
            var failure = isRead ? await ReadAsync(cancellation).ConfigureAwait(false) : null;
            if (failure is null)
            {
                var decision = MasterSlicePlan.Decide(new SliceWish(publication.Cluster, publication.Token, inside), _remembered, client.Namespace, service, portName);
                // Only a look of now may end it: another may have written since.
                if (decision is not SliceDecision.Write write)
                {
                    if (isRead) return Outcome(decision);
                    _isRemembered = false;
                    continue;
                }

                failure = await WriteAsync(write.Document, cancellation).ConfigureAwait(false);
                if (failure is null) return new PublishOutcome.Written(write.Code, write.Reason);
                // The first conflict of what was remembered was to be expected: look at once.
                if (failure is KubernetesFailure.Conflict && !isRead) continue;
            }

            onFailure(failure.Message);
            await Task.Delay(failing.Failed(failure.AskedToWait), time, cancellation).ConfigureAwait(false);
        }
    }

    private static PublishOutcome Outcome(SliceDecision decision) => decision switch
    {
        SliceDecision.Superseded newer => new PublishOutcome.Superseded(new PublishedMaster(newer.Token, newer.Address), newer.Reason),
        SliceDecision.Contested other => new PublishOutcome.Contested(new PublishedMaster(other.Token, other.Address), other.Reason),
        SliceDecision.UpToDate same => new PublishOutcome.UpToDate(same.Reason),
        var refused => new PublishOutcome.Refused(refused.Code, refused.Reason),
    };

    private async Task<KubernetesFailure?> ReadAsync(CancellationToken cancellation)
    {
        switch (await client.GetEndpointSliceAsync(service, cancellation).ConfigureAwait(false))
        {
            case KubernetesRead<EndpointSliceDocument>.Found found:
                (_remembered, _isRemembered) = (found.Document, true);
                return null;
            case KubernetesRead<EndpointSliceDocument>.Failed { Failure: KubernetesFailure.NotFound }:
                (_remembered, _isRemembered) = (null, true);
                return null;
            case KubernetesRead<EndpointSliceDocument>.Failed failed:
                return failed.Failure;
            default:
                return null;
        }
    }

    private async Task<KubernetesFailure?> WriteAsync(EndpointSliceDocument document, CancellationToken cancellation)
    {
        var written = document.Metadata?.ResourceVersion is null
            ? await client.CreateEndpointSliceAsync(document, cancellation).ConfigureAwait(false)
            : await client.PutEndpointSliceAsync(document, cancellation).ConfigureAwait(false);
        if (written is KubernetesWrite<EndpointSliceDocument>.Written done)
        {
            (_remembered, _isRemembered) = (done.Document, true);
            return null;
        }

        _isRemembered = false;
        return written is KubernetesWrite<EndpointSliceDocument>.NotWritten no ? no.Failure : ((KubernetesWrite<EndpointSliceDocument>.OutcomeUnknown)written).Failure;
    }
}
