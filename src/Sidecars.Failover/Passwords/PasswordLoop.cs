using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// Reads the password files again and again and brings the living servers to what they hold, without a restart: the own Redis and,
/// beside the master, the Sentinels. Rules: <see cref="PasswordPolicy"/>. One step a round, each from a new look.
/// </summary>
/// <param name="settings">Whose passwords it keeps, and how often it looks.</param>
/// <param name="read">Reads the files.</param>
/// <param name="client">Asks and sets servers; logs in with what <paramref name="use"/> was told.</param>
/// <param name="quorum">Whom the Sentinels name.</param>
/// <param name="retired">Passwords that the files held once.</param>
/// <param name="use">Told of passwords to log in with, whenever they change.</param>
/// <param name="sink">Decisions.</param>
/// <param name="metrics">Takes the gauges.</param>
/// <param name="time">Its clock.</param>
public sealed class PasswordLoop(
    PasswordSettings settings, Func<PasswordReading> read, PasswordClient client, Func<CancellationToken, Task<QuorumFacts>> quorum,
    RetiredPasswords retired,
    Action<GroupSecrets> use, IDecisionSink sink, MetricSet metrics, TimeProvider time)
{
    // After a step the next one: only a Sentinel that has just dropped its connections is given the whole period.
    private static readonly TimeSpan AfterStep = TimeSpan.FromMilliseconds(100);

    private readonly PasswordMetrics _metrics = new(settings.Cluster, metrics);
    private PasswordReading? _reading;
    private PasswordWish _wish = new([], []);
    private Secret? _formerSidecar;
    private string? _problem;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        long? settledAt = null;
        while (true)
        {
            var isNews = ReadFiles();
            var pause = settings.Period;
            // A group without passwords has nothing to ask anybody for.
            if (_problem is null && _wish.OnRedis.IsEmpty && _wish.OnSentinel.IsEmpty) settledAt = time.GetTimestamp();
            else if (isNews || settledAt is not { } at || time.GetElapsedTime(at) >= settings.IdlePeriod)
            {
                var decision = await RoundAsync(cancellation).ConfigureAwait(false);
                settledAt = decision.Code == "settled" ? time.GetTimestamp() : null;
                if (decision is not (PasswordDecision.Keep or PasswordDecision.Refuse or PasswordDecision.SentinelLogin)) pause = AfterStep;
            }

            await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Reads files and servers, and decides; acts on nothing.</summary>
    public async Task<PasswordDecision> LookAsync(CancellationToken cancellation)
    {
        ReadFiles();
        return PasswordPolicy.Decide(await GatherAsync(cancellation).ConfigureAwait(false));
    }

    /// <summary>
    /// Name, fingerprint of the current and of the previous password ("" where there is none) of each secret, as last read.
    /// </summary>
    public IReadOnlyList<(string Secret, string Current, string Previous)> Fingerprints => _reading is null ? [] :
    [
        .. PasswordMetrics.Secrets(_reading).Select(s => (s.Name, PasswordFingerprint.Of(settings.Cluster, s.Secret.Current),
            s.Secret.Previous is { } previous ? PasswordFingerprint.Of(settings.Cluster, previous) : "")),
    ];

    private async Task<PasswordDecision> RoundAsync(CancellationToken cancellation)
    {
        var facts = await GatherAsync(cancellation).ConfigureAwait(false);
        var decision = PasswordPolicy.Decide(facts);
        (_metrics.Reading, _metrics.HasPrevious, _metrics.IsReady) = (_reading, facts.HasPrevious, decision is PasswordDecision.Keep);
        sink.Decided("passwords", decision.Code, decision.Reason, decision is PasswordDecision.Refuse,
            () => JsonSerializer.Serialize(facts, PasswordJson.Default.PasswordFacts));
        if (decision is PasswordDecision.Keep or PasswordDecision.Refuse || settings.DryRun) return decision;
        var (detail, failure) = await ActAsync(decision, facts, cancellation).ConfigureAwait(false);
        sink.Acted("passwords", decision.Code, detail, failure);
        // What failed is tried again at the usual pace.
        return failure is null ? decision : new PasswordDecision.Refuse("not-done", failure);
    }

    private async Task<(string Detail, string? Failure)> ActAsync(
        PasswordDecision decision, PasswordFacts facts, CancellationToken cancellation)
    {
        switch (decision)
        {
            case PasswordDecision.AcceptOnRedis accept:
                return ($"{settings.Own} accepts the current passwords of {Names(accept.Users)}", await client.AcceptAsync(
                    settings.Own, On(_wish.OnRedis, accept.Users), isSentinel: false, cancellation).ConfigureAwait(false));
            case PasswordDecision.AcceptOnSentinel accept:
                return ($"{accept.Sentinel} accepts the current passwords of {Names(accept.Users)}", await client.AcceptAsync(
                    accept.Sentinel, On(_wish.OnSentinel, accept.Users), isSentinel: true, cancellation).ConfigureAwait(false));
            case PasswordDecision.DropOnRedis drop:
                return ($"{settings.Own} refuses retired passwords of {Names(drop.Users)}", await client.DropAsync(
                    settings.Own, On(_wish.OnRedis, drop.Users), retired, isSentinel: false, cancellation).ConfigureAwait(false));
            case PasswordDecision.DropOnSentinel drop:
                return ($"{drop.Sentinel} refuses retired passwords of {Names(drop.Users)}", await client.DropAsync(
                    drop.Sentinel, On(_wish.OnSentinel, drop.Users), retired, isSentinel: true, cancellation).ConfigureAwait(false));
            case PasswordDecision.SentinelLogin login:
                var sentinel = _wish.OnSentinel.Single(u => u.User == PasswordUser.Sentinel).Secret.Current;
                return ($"{login.Sentinel} logs in with the current password",
                    await client.SentinelLoginAsync(login.Sentinel, sentinel, cancellation).ConfigureAwait(false));
            case PasswordDecision.ReplicateWith replicate:
                return (
                    $"{settings.Own} replicates with its {(replicate.Password == PasswordAge.Previous ? "previous" : "current")} password",
                    await ReplicateAsync(replicate, facts, cancellation).ConfigureAwait(false));
            default:
                throw new InvalidOperationException($"{decision.Code} is not a step");
        }
    }

    private async Task<string?> ReplicateAsync(
        PasswordDecision.ReplicateWith replicate, PasswordFacts facts, CancellationToken cancellation)
    {
        var user = _wish.OnRedis.Single(u => u.User == PasswordUser.Replication);
        var password = replicate.Password == PasswordAge.Previous ? user.Secret.Previous : user.Secret.Current;
        if (password is null) return "the files do not hold it any more";
        // The link stays up with whatever it logged in with; the next one must work.
        if (facts.Own is ServerPasswords.Known { IsMaster: false, Master: { } master }
            && await client.TryLoginAsync(master, user.Name, password, cancellation).ConfigureAwait(false) is { } refusal)
            return $"a login at the master failed: {refusal}";
        return await client.ReplicateWithAsync(settings.Own, password, cancellation).ConfigureAwait(false);
    }

    private async Task<PasswordFacts> GatherAsync(CancellationToken cancellation)
    {
        retired.Refresh(); // redis-bootstrap adds to it
        var redisHosts = EndpointResolver.ResolveAsync(settings.RedisHosts, settings.ResolveTimeout, time, cancellation);
        var sentinelHosts = EndpointResolver.ResolveAsync(settings.SentinelHosts, settings.ResolveTimeout, time, cancellation);
        var named = quorum(cancellation);
        var own = client.LookAtRedisAsync(settings.Own, _wish, retired, cancellation);
        var redis = (await redisHosts.ConfigureAwait(false)).Endpoints
            .Select(e => client.LookAtRedisAsync(e, _wish, retired, cancellation)).ToList();
        var sentinels = (await sentinelHosts.ConfigureAwait(false)).Endpoints
            .Select(e => client.LookAtSentinelAsync(e, _wish, retired, cancellation)).ToList();
        return new PasswordFacts
        {
            Address = settings.Address(),
            FilesProblem = _problem,
            HasPrevious = _wish.HasPrevious,
            Own = await own.ConfigureAwait(false),
            Redis = [.. await Task.WhenAll(redis).ConfigureAwait(false)],
            Sentinels = [.. await Task.WhenAll(sentinels).ConfigureAwait(false)],
            RedisCount = settings.RedisCount,
            SentinelCount = settings.SentinelCount,
            Quorum = await named.ConfigureAwait(false),
        };
    }

    // True where the passwords, or what is wrong with them, changed.
    private bool ReadFiles()
    {
        var reading = read();
        if (reading.Mistakes.IsEmpty && !Same(reading, read())) return false; // they change at this moment: next time
        var problem = reading.Mistakes.IsEmpty ? null : string.Join("; ", reading.Mistakes);
        var isNews = problem != _problem;
        _problem = problem;
        if (problem is not null || (_reading is not null && Same(_reading, reading))) return isNews;
        Retire(reading);
        _reading = reading;
        _wish = PasswordWish.Of(settings.Cluster, reading);
        // A server that came back from older files, or that was not told in time, is reached with the former one.
        var sidecar = reading.Redis.Sidecar;
        use(sidecar is { Previous: null } && _formerSidecar is { } former && !former.Equals(sidecar.Current)
            ? reading.Redis with { Sidecar = sidecar with { Previous = former } }
            : reading.Redis);
        return true;
    }

    private void Retire(PasswordReading next)
    {
        // Also a password that was replaced without a previous one.
        if (_reading?.Redis.Sidecar is { } sidecar)
            _formerSidecar = sidecar.Current.Equals(next.Redis.Sidecar?.Current) ? sidecar.Previous ?? _formerSidecar : sidecar.Current;
        try
        {
            retired.Add(PasswordMetrics.Secrets(next).Select(s => s.Secret));
        }
        catch (IOException e)
        {
            sink.Acted("passwords", "remember", "retired passwords are remembered", e.Message);
        }
    }

    private static bool Same(PasswordReading a, PasswordReading b) => a.Redis == b.Redis && a.Sentinel == b.Sentinel;

    private static ImmutableArray<WishedPassword> On(ImmutableArray<WishedPassword> users, ImmutableArray<PasswordUser> which) =>
        [.. users.Where(u => which.Contains(u.User))];

    private static string Names(ImmutableArray<PasswordUser> users) =>
        string.Join(", ", users.Select(u => u.ToString().ToLowerInvariant()));
}
