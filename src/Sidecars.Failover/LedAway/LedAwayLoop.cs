using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;
using Sidecars.Retries;

namespace Sidecars.Failover.LedAway;

/// <summary>What does not change.</summary>
/// <param name="Node">Name of this node.</param>
/// <param name="RedisCount">Configured number.</param>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="Period">Between two looks while nothing changes; 1 s.</param>
/// <param name="DryRun">Decide and say, do nothing.</param>
public sealed record LedAwaySettings(string Node, int RedisCount, int SentinelCount, TimeSpan Period, bool DryRun);

/// <summary>
/// Notices that the Sentinels were led to an address outside of the group, and tells them back. Rules: <see cref="LedAwayPolicy"/>.
/// </summary>
/// <param name="settings">The group, and how often it looks.</param>
/// <param name="server">The server beside this process.</param>
/// <param name="sentinels">What the Sentinels say now.</param>
/// <param name="read">Reads what is recorded of the group.</param>
/// <param name="token">The token in the marker; null: none was written yet.</param>
/// <param name="stepDownRuns">Whether a step-down runs beside this process.</param>
/// <param name="tell"><see cref="SentinelLeadership.TellAsync"/>.</param>
/// <param name="sink">Decisions and what was done; it counts both.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter of the pauses.</param>
public sealed class LedAwayLoop(
    LedAwaySettings settings, IOwnServer server, ISentinelViews sentinels, Func<CancellationToken, Task<RecordReading>> read,
    Func<FencingToken?> token, Func<bool?> stepDownRuns,
    Func<LeadershipRequest, IReadOnlyCollection<RedisEndpoint>, CancellationToken, Task<LeadershipOutcome>> tell,
    IDecisionSink sink, TimeProvider time, Func<double> random)
{
    private const string Name = "led-away";

    // Two looks of the watch.
    private static readonly TimeSpan LookAge = TimeSpan.FromSeconds(2.5);

    // Named for so long, it was not led away again at once by whoever did it: the next time is answered at once.
    private static readonly TimeSpan Peace = TimeSpan.FromMinutes(1);

    // Who announces what does not change by the second, and the API server is everybody's: seven calls with three nodes. In peace it is
    // read only where a replica is not known.
    private static readonly TimeSpan RecordAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RecordAgeInPeace = TimeSpan.FromMinutes(1);

    // A first try that meets another coordinator's vote is repeated within two seconds. A hello that comes again and again is no reason for
    // as many votes.
    private readonly RetryPause _telling = new(new BackoffSchedule(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(30)), time, random);
    private (RedisEndpoint? Named, long Epoch) _askedFor;
    private (RecordReading Record, long At)? _read;
    private long? _strangerSince;
    private NamedBefore? _before;
    private LedAwayFacts? _peace;
    private long? _peaceSince;
    private long _learntEpoch;
    private string _last = "";

    /// <summary>How often they were told back.</summary>
    public long ToldBack { get; private set; }

    /// <summary>How often they named an address that no node is known to announce, and were not told back; each reason in turn.</summary>
    public long Refused { get; private set; }

    /// <summary>How often a server from outside of the group was first seen to follow this master.</summary>
    public long ForeignReplicas { get; private set; }

    /// <summary>
    /// Whether an address is that of no node, by what was last read, and was no replica's of the own server while a majority named that.
    /// Asks nobody.
    /// </summary>
    public bool IsStranger(RedisEndpoint address) => Volatile.Read(ref _peace) is { Group: { } group, Before: { } before }
        && group.Excludes(address, settings.RedisCount) && !before.Replicas.Contains(address);

    /// <summary>
    /// Whether a replica of the own master is at no node's address, by what was last read; false where not every node is known. Asks
    /// nobody.
    /// </summary>
    public bool IsForeign(RedisEndpoint replica) =>
        Volatile.Read(ref _peace)?.Group?.Excludes(replica, settings.RedisCount) == true;

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            var isDueSooner = decision is LedAwayDecision.Tell && _telling.Left > TimeSpan.Zero && _telling.Left < settings.Period;
            await next.WaitAsync(isDueSooner ? _telling.Left : settings.Period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and tells them where that is due.</summary>
    public async Task<LedAwayDecision> RoundAsync(CancellationToken cancellation)
    {
        var observed = sentinels.Observe();
        var facts = await GatherAsync(observed, cancellation).ConfigureAwait(false);
        var decision = LedAwayPolicy.Decide(facts);
        Remember(facts, observed);
        if (decision is LedAwayDecision.Refuse && decision.Code != _last) Count(decision.Code);
        _last = decision.Code;
        if (decision is LedAwayDecision.Tell due && !settings.DryRun && _telling.Left == TimeSpan.Zero)
            await TellAsync(due, [.. observed.Select(o => o.Endpoint)], cancellation).ConfigureAwait(false);
        sink.Decided(
            Name, decision.Code, decision.Reason, decision is LedAwayDecision.Refuse,
            () => JsonSerializer.Serialize(facts, LedAwayJson.Default.LedAwayFacts));
        return decision;
    }

    private void Count(string code)
    {
        if (code == LedAwayPolicy.ForeignReplica) ForeignReplicas++;
        else Refused++;
    }

    private async Task TellAsync(LedAwayDecision.Tell due, IReadOnlyCollection<RedisEndpoint> all, CancellationToken cancellation)
    {
        var request = new LeadershipRequest(due.Master, due.Named, settings.SentinelCount)
        {
            UnlistedBecause = due.Reason,
            LearntEpoch = _learntEpoch,
        };
        var outcome = await tell(request, all, cancellation).ConfigureAwait(false);
        _learntEpoch = Math.Max(_learntEpoch, outcome.HighestEpoch);
        _telling.Failed();
        var failure = outcome is LeadershipOutcome.Confirmed ? null : $"{outcome.Code}: {outcome.Reason}";
        if (failure is null) ToldBack++;
        else if (outcome is LeadershipOutcome.Refused { IsLasting: true }) Refused++;
        sink.Acted(Name, "told-back", $"the Sentinels, which named {due.Named}: the master is {due.Master}", failure);
    }

    private async Task<LedAwayFacts> GatherAsync(IReadOnlyCollection<SentinelObservation> observed, CancellationToken cancellation)
    {
        var facts = new LedAwayFacts
        {
            Node = settings.Node,
            RedisCount = settings.RedisCount,
            Server = server.Last,
            Address = server.Address,
            HasImpostor = server.HasImpostor,
            Replicas = [.. (server.LookWithin(LookAge)?.Info.Replicas ?? []).Select(r => r.Endpoint).OfType<RedisEndpoint>()],
            Token = token(),
            Quorum = QuorumFacts.Of(observed, settings.SentinelCount),
            Before = _before,
            StepDownRuns = stepDownRuns(),
            Group = _read?.Record.Group,
        };
        if (facts.Server is not OwnServer.Answers { IsMaster: true } || facts.Quorum.Named is not { } named) return facts;
        // Nearly always they name this server, all of whose replicas are known, or, after a failover, a node: then nothing is asked.
        var isPeace = named == facts.Address;
        if (facts.Group is { } known && (isPeace ? facts.Replicas.All(known.Has) : known.Has(named)))
        {
            _strangerSince = null;
            return facts;
        }

        var looked = isPeace ? Task.FromResult(facts.Server) : server.LookAsync(cancellation);
        var recorded = await ReadAsync(isPeace ? null : named, facts.Quorum.Epoch, cancellation).ConfigureAwait(false);
        facts = facts with { Server = await looked.ConfigureAwait(false), Group = recorded.Group, Unread = recorded.Unread };
        return facts with { StrangerFor = NoteStrangers(facts) };
    }

    private async Task<RecordReading> ReadAsync(RedisEndpoint? named, long epoch, CancellationToken cancellation)
    {
        var isAskedAgain = named is null || _askedFor == (named, epoch);
        if (isAskedAgain && _read is { } last && time.GetElapsedTime(last.At) < (named is null ? RecordAgeInPeace : RecordAge))
            return last.Record;
        var record = await read(cancellation).ConfigureAwait(false);
        (_askedFor, _read) = ((named, epoch), (record, time.GetTimestamp()));
        return record;
    }

    private TimeSpan NoteStrangers(LedAwayFacts facts)
    {
        if (LedAwayPolicy.Strangers(facts).Count == 0) _strangerSince = null;
        else _strangerSince ??= time.GetTimestamp();
        return _strangerSince is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero;
    }

    private void Remember(LedAwayFacts facts, IReadOnlyCollection<SentinelObservation> observed)
    {
        var isNamed = facts.Quorum.Named is { } named && named == facts.Address;
        if (!isNamed) _peaceSince = null;
        else if (_peaceSince is { } since && time.GetElapsedTime(since) >= Peace) _telling.Succeeded();
        else _peaceSince ??= time.GetTimestamp();
        if (!isNamed || facts.Server is not OwnServer.Answers { IsMaster: true } own) return;
        var listed = observed.OfType<SentinelObservation.Known>().SelectMany(k => k.View.Replicas).Select(r => r.Address);
        _before = new NamedBefore(own.RunId, [.. listed.Concat(facts.Replicas).Distinct()]);
        Volatile.Write(ref _peace, facts with { Before = _before });
    }
}
