using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Retries;

namespace Sidecars.Failover.Publish;

/// <summary>
/// Records what this pod is reached at, so that another sidecar can publish it on the day when this one does not. Fails alone: without it
/// only this sidecar publishes this node.
/// </summary>
/// <param name="record">See <see cref="LeaseAddressBook.RecordAsync"/>.</param>
/// <param name="mine">What this pod is reached at; it does not change while the pod lives.</param>
/// <param name="sink">Refusals of the API server, and what was done.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class AddressLoop(
    Func<NodeAddresses, CancellationToken, Task<KubernetesFailure?>> record, NodeAddresses mine, IDecisionSink sink, TimeProvider time,
    Func<double> random)
{
    private const string Name = "addresses";

    // Somebody may have deleted the Lease; a call an hour and pod is one a second for a thousand tenants.
    private static readonly TimeSpan Again = TimeSpan.FromHours(1);

    // It is needed only once another one fails, and bootstrap writes the same Lease while it starts.
    private readonly RetryPipeline _retries =
        new(new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1))), time, random);

    /// <summary>Records until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _retries.RunAsync(RoundAsync, cancellation).ConfigureAwait(false);
            await Task.Delay(Again, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Records once; null: it is recorded.</summary>
    public async Task<FailedTry?> RoundAsync(CancellationToken cancellation)
    {
        if (await record(mine, cancellation).ConfigureAwait(false) is { } failure)
        {
            var code = failure is KubernetesFailure.Forbidden ? "forbidden" : "api";
            sink.Decided(Name, code, $"no other sidecar can publish this node: its addresses are not recorded: {failure.Message}",
                isRefusal: true, () => "null");
            return new FailedTry(failure.AskedToWait);
        }

        sink.Decided(
            Name, "recorded", $"{mine.Announced} is recorded: pod {mine.Pod?.ToString() ?? "unknown"}, outside {mine.Outside ?? "unknown"}",
            isRefusal: false, () => "null");
        return null;
    }
}
