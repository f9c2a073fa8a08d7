using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;
using Sidecars.Retries;

namespace Sidecars.Failover.RoleLabel;

/// <summary>
/// Keeps the role label of the pod that this process runs in. Fails alone: nothing waits for it. Rules: <see cref="RoleLabelPolicy"/>.
/// </summary>
/// <param name="client">The API server; RBAC: patch on <c>pods/status</c> of this pod.</param>
/// <param name="pod">Name of the pod.</param>
/// <param name="uid">Its uid: another pod of the name is left alone.</param>
/// <param name="server">The last look at the Redis beside this process.</param>
/// <param name="changed">Raised when it is another.</param>
/// <param name="dryRun">Say, and write nothing.</param>
/// <param name="sink">Decisions, refusals among them, and what was done.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class RoleLabelLoop(KubernetesClient client, string pod, string uid, Func<OwnServer> server, Signal changed, bool dryRun,
    IDecisionSink sink, TimeProvider time, Func<double> random)
{
    private const string Name = "role-label";

    // Another hand may have changed it. A patch that changes nothing is not stored.
    private static readonly TimeSpan Again = TimeSpan.FromHours(1);

    // A missing right or policy is not mended within seconds, and the label is not worth more calls.
    private readonly RetryPipeline _retries =
        new(new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5))), time, random);

    private string? _written;
    private long _writtenAt;

    /// <summary>Labels until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = changed.Ticket();
            // After a failure the pause is kept to, whatever changes: a switch is when the API server is asked most.
            await _retries.RunAsync(RoundAsync, cancellation).ConfigureAwait(false);
            await next.WaitAsync(DueIn, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Until it is due again where nothing changes.</summary>
    public TimeSpan DueIn => _written is null ? Again : Again - time.GetElapsedTime(_writtenAt);

    /// <summary>Decides and acts once; null: nothing failed.</summary>
    public async Task<FailedTry?> RoundAsync(CancellationToken cancellation)
    {
        if (_written is not null && time.GetElapsedTime(_writtenAt) >= Again) _written = null;
        var facts = new RoleLabelFacts(server(), _written);
        var decision = RoleLabelPolicy.Decide(facts);
        if (decision is RoleLabelDecision.Write write)
        {
            var failure = dryRun ? null : await WriteAsync(write.Role, cancellation).ConfigureAwait(false);
            if (failure is not null)
            {
                sink.Decided(Name, failure.Value.Code, failure.Value.Why, isRefusal: true, () => "null");
                return new FailedTry(failure.Value.Asked);
            }

            (_written, _writtenAt) = (write.Role, time.GetTimestamp());
            sink.Acted(Name, dryRun ? "would-label" : "labelled", $"pod {pod} is {write.Role}: {write.Reason}", null);
        }

        sink.Decided(Name, decision.Code, decision.Reason, isRefusal: false,
            () => JsonSerializer.Serialize(facts, RoleLabelJson.Default.RoleLabelFacts));
        return null;
    }

    private async Task<(string Code, string Why, TimeSpan? Asked)?> WriteAsync(string role, CancellationToken cancellation) =>
        await client.LabelPodAsync(pod, uid, RoleLabelPolicy.Label, role, cancellation).ConfigureAwait(false) switch
        {
            KubernetesWrite<PodDocument>.Written { Document.Metadata.Labels: { } labels }
                when labels.GetValueOrDefault(RoleLabelPolicy.Label) == role => null,
            KubernetesWrite<PodDocument>.Written => ("not-kept", $"the API server took the label of pod {pod} and dropped it", null),
            KubernetesWrite<PodDocument>.NotWritten { Failure: KubernetesFailure.Forbidden no } => ("forbidden", no.Message, null),
            KubernetesWrite<PodDocument>.NotWritten { Failure: KubernetesFailure.Conflict or KubernetesFailure.NotFound } =>
                ("not-this-pod", $"pod {pod} is another one by now", null),
            // Also the admission policy's no.
            KubernetesWrite<PodDocument>.NotWritten { Failure: KubernetesFailure.Rejected no } => ("rejected", no.Message, null),
            KubernetesWrite<PodDocument>.NotWritten no => ("api", no.Failure.Message, no.Failure.AskedToWait),
            KubernetesWrite<PodDocument>.OutcomeUnknown unknown => ("api", unknown.Failure.Message, unknown.Failure.AskedToWait),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };
}
