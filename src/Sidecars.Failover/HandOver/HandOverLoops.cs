using System.Text.Json;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.HandOver;

/// <summary>What <c>run</c> does about hand-overs: publishes one to this server as soon as clients may move, and repairs what a dead coordinator left.</summary>
internal sealed class HandOverLoops
{
    // Two looks: what a dead coordinator left stands for seconds before anybody touches it.
    private static readonly TimeSpan GlanceAge = TimeSpan.FromSeconds(2.5);

    private readonly FailoverOptions _options;
    private readonly GroupConnections _connections;
    private readonly SentinelWatch _sentinels;
    private readonly OwnServerWatch _server;
    private readonly PublisherFactory _factory;
    private readonly Func<MasterPublication> _own;
    private readonly DecisionLog _decisions;
    private readonly HandOverGroup _group;
    private readonly HandOverRepairLoop _repair;
    private readonly TimeProvider _time;

    public HandOverLoops(
        FailoverOptions options, GroupConnections connections, SentinelWatch sentinels, OwnServerWatch server, PublisherFactory factory, Func<MasterPublication> own, DecisionLog decisions, MetricSet metrics, TimeProvider time)
    {
        (_options, _connections, _sentinels, _server, _factory, _own, _decisions, _time) = (options, connections, sentinels, server, factory, own, decisions, time);
        _group = HandOverWiring.Group(options, connections, time);
        _repair = new HandOverRepairLoop(new HandOverRepairSettings { DataDirectory = options.Group.DataDirectory, DryRun = options.DryRun }, _group, Repaired, metrics, time, () => server.RepliesWithin(GlanceAge) is { } own ? _group.Glance(own, sentinels.Observe()) : null);
    }

    public void Start(Supervisor supervisor, CancellationToken cancellation)
    {
        supervisor.Start("hand-over-repair", _repair.RunAsync, cancellation);
        supervisor.Start("hand-over", ListenAsync, cancellation);
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        var places = _options.DryRun ? [] : _factory.Places.Select(place => new Place(place.Name, place.Create, _own, _server, _time)).ToArray();
        try
        {
            // Credentials are found now, not in the moment that counts.
            foreach (var place in places) _ = await place.TryMakeAsync(cancellation).ConfigureAwait(false);
            var listener = new HandOverListener(
                ct => _group.ObserveNamedAsync(_sentinels.Observe(), ct), () => _connections.Transport(_options.Redis), _connections.AsSidecar, places,
                (decision, snapshot) => _decisions.Decided("hand-over", decision.Code, decision.Reason, isRefusal: false, () => JsonSerializer.Serialize(snapshot, FailoverJson.Default.HandOverSnapshot)),
                (place, failure) => _decisions.Acted("publish-" + ((Place)place).Name, "hand-over", place.Description, failure),
                _time);
            await listener.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var place in places) place.Dispose();
        }
    }

    private void Repaired(HandOverRepairDecision decision, HandOverRepairFacts facts, StepOutcome? outcome)
    {
        _decisions.Decided("hand-over-repair", decision.Code, decision.Reason, decision is HandOverRepairDecision.Refuse, () => JsonSerializer.Serialize(facts, FailoverJson.Default.HandOverRepairFacts));
        if (outcome is { } ended) _decisions.Acted("hand-over-repair", decision.Code, decision.Reason, ended == StepOutcome.Done ? null : ended.ToString().ToLowerInvariant());
    }

    // A place whose publisher can't be made (no credentials yet) fails alone, and is tried again when it is needed.
    private sealed class Place(string name, Func<CancellationToken, Task<MadePlace>> create, Func<MasterPublication> own, OwnServerWatch server, TimeProvider time) : IHandOverPublisher, IDisposable
    {
        private MadePlace? _made;

        public string Name => name;

        public string Description => _made?.Publisher.Description ?? name;

        public async Task<string?> TryMakeAsync(CancellationToken cancellation)
        {
            try
            {
                _made ??= await create(cancellation).ConfigureAwait(false);
                return null;
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested) // whatever the SDK of a cloud throws
            {
                return e.Message;
            }
        }

        public async Task<string?> PublishAsync(HandOverClaim claim, CancellationToken cancellation) =>
            await TryMakeAsync(cancellation).ConfigureAwait(false) is { } why ? why : await new MasterHandOverPublisher(_made!.Publisher, own, server, time).PublishAsync(claim, cancellation).ConfigureAwait(false);

        public void Dispose() => _made?.Owned?.Dispose();
    }
}
