using System.Collections.Immutable;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>
/// Whether the Sentinels may be told, and when they have been: who can vote, whether an epoch is won, whether anything changed meanwhile,
/// what each is sent, whether a majority confirms it. Pure. Every rule is a hazard of <c>sentinel.c</c>; see this folder's README.
/// </summary>
public static class LeadershipPolicy
{
    /// <summary>
    /// No epoch from here on is used or believed: a vote's epoch is signed, so that at 2^63-1 nothing could be voted any more, and no group
    /// has held so many failovers.
    /// </summary>
    public const long EpochLimit = 1L << 62;

    /// <summary>An attempt asks for so many epochs at the most; the next attempt starts above the last of them.</summary>
    public const int MaxVotes = 3;

    /// <summary>
    /// For so long a won epoch may be announced. Another coordinator may win the next one at any time, which looking again would show; the
    /// longer ago that look, the less it says.
    /// </summary>
    public static readonly TimeSpan WonEpochIsGoodFor = TimeSpan.FromSeconds(1);

    // A Sentinel that refuses a vote shows no current epoch, only that it is higher than the one asked for.
    private const long Stride = 16;

    /// <summary>
    /// How far above the highest known epoch one attempt can ask for votes. No Sentinel reports such a vote, since the candidate is not a
    /// Sentinel; so one that has lost its state must not vote in these epochs again.
    /// </summary>
    public const long EpochsOfAnAttempt = MaxVotes * Stride;

    /// <summary>Who votes; null with the refusal where not enough can.</summary>
    public static Electorate? Prepare(
        LeadershipRequest request, IReadOnlyCollection<SentinelObservation> sentinels, string candidate, string masterName,
        out LeadershipOutcome.Refused? refusal)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sentinels);
        var known = Known(sentinels);
        var naming = known.Where(k => k.View.Master is not null).ToList();
        var size = known.Select(k => k.View.Others.Length + 1).Append(known.Count).Append(request.SentinelCount).Max();
        var needed = SentinelQuorumPolicy.Majority(size);
        var ids = known.SelectMany(k => k.View.Others.Select(o => o.MyId).Append(k.View.MyId))
            .ToImmutableHashSet(StringComparer.OrdinalIgnoreCase);
        refusal = Obstacle(request, known, masterName);
        if (refusal is null && ids.Contains(candidate))
            refusal = Refuse("candidate-is-a-sentinel", $"{candidate} is the id of a Sentinel, which would count the votes as its own");
        if (refusal is null && naming.Count < needed)
            refusal = Refuse("no-sentinel-majority", $"{naming.Count} of {size} Sentinels answer and know the master, {needed} are needed");
        if (refusal is not null) return null;

        var electors = naming.Where(k => MayTell(request, k)).Select(ElectorOf).OfType<Elector>().ToImmutableArray();
        var unlisted = naming.Count(k => !MayTell(request, k));
        var epoch = Math.Min(naming.SelectMany(EpochsOf).Append(request.LearntEpoch).Max(), EpochLimit) + 1;
        refusal = electors.Length >= needed ? EpochRefusal(epoch)
            : unlisted > 0 ? Refuse("target-not-listed", $"{unlisted} Sentinels do not list {request.Target} as a replica", isLasting: true)
            : Refuse("sentinels-know-no-other", $"{electors.Length} Sentinels list another one, {needed} are needed", isLasting: true);
        return refusal is null ? new Electorate(electors, needed, epoch, ids) : null;
    }

    /// <summary>
    /// Those that took a hello of what they hold already, which changes nothing. One that lists another set of Sentinels afterwards did not
    /// know the sender.
    /// </summary>
    public static Electorate? Proven(
        Electorate electorate, IReadOnlyDictionary<string, HelloAnswer> answers, out LeadershipOutcome.Refused? refusal)
    {
        ArgumentNullException.ThrowIfNull(electorate);
        ArgumentNullException.ThrowIfNull(answers);
        var all = electorate.Electors;
        var taken = all.Where(e => answers.GetValueOrDefault(e.MyId) is HelloAnswer.Taken { Others: var others }
            && others.ToHashSet(StringComparer.Ordinal).SetEquals(e.Others)).ToImmutableArray();
        var denied = answers.Values.OfType<HelloAnswer.Denied>().ToList();
        refusal = taken.Length >= electorate.Needed ? null
            : all.Length - denied.Count < electorate.Needed
                ? Refuse("publish-denied", $"{denied.Count} of {all.Length} Sentinels refuse a hello: {denied[0].Why}", isLasting: true)
            : Refuse("hello-not-taken", $"{taken.Length} of {all.Length} Sentinels took a hello, {electorate.Needed} are needed");
        return refusal is null ? electorate with { Electors = taken } : null;
    }

    /// <summary>What the votes of one epoch come to.</summary>
    /// <param name="electorate">Who was asked.</param>
    /// <param name="epoch">The epoch that was asked for.</param>
    /// <param name="candidate">Our fresh id.</param>
    /// <param name="answers">By the Sentinel's id.</param>
    public static VoteCount Count(Electorate electorate, long epoch, string candidate, IReadOnlyDictionary<string, VoteAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(electorate);
        ArgumentNullException.ThrowIfNull(answers);
        var (all, needed) = (electorate.Electors.Length, electorate.Needed);
        var cast = electorate.Electors.Select(e => answers.GetValueOrDefault(e.MyId)).OfType<VoteAnswer.Cast>().ToList();
        var voters = electorate.Electors.Select(e => e.MyId)
            .Where(id => answers.GetValueOrDefault(id) is VoteAnswer.Cast vote && vote.Leader == candidate && vote.LeaderEpoch == epoch)
            .ToImmutableHashSet(StringComparer.Ordinal);
        if (voters.Count >= needed) return new VoteCount.Won(voters);

        var highest = cast.Select(v => v.LeaderEpoch).Append(epoch).Max();
        if (cast.Select(v => EpochRefusal(v.LeaderEpoch)).FirstOrDefault(r => r is not null) is { } beyond)
            return new VoteCount.Ended(beyond);
        // A Sentinel's own attempt is over: none showed a failover a moment ago. Another coordinator's may be under way.
        if (cast.Exists(v => v.LeaderEpoch >= epoch && v.Leader != candidate && v.Leader != "*"
            && !electorate.SentinelIds.Contains(v.Leader)))
        {
            var rival = new LeadershipOutcome.Rival($"another coordinator holds votes of epoch {highest}");
            return new VoteCount.Ended(rival with { HighestEpoch = highest });
        }

        var denied = answers.Values.OfType<VoteAnswer.Denied>().ToList();
        if (all - denied.Count < needed)
        {
            var refused = Refuse("vote-denied", $"{denied.Count} of {all} Sentinels refuse to vote: {denied[0].Why}", isLasting: true);
            return new VoteCount.Ended(refused);
        }

        if (cast.Count < needed)
        {
            var few = Refuse("no-vote-majority", $"{voters.Count} of {all} Sentinels voted, {needed} are needed");
            return new VoteCount.Ended(few with { HighestEpoch = highest });
        }

        var next = Math.Max(highest + 1, epoch + Stride);
        return EpochRefusal(next) is { } tooHigh ? new VoteCount.Ended(tooHigh) : new VoteCount.AskAgain(next);
    }

    /// <summary>After the vote: whether what it was asked for still holds, and what each Sentinel is sent.</summary>
    public static LeadershipOutcome LookAgain(
        LeadershipRequest request, Electorate electorate, long epoch, IReadOnlySet<string> voters,
        IReadOnlyCollection<SentinelObservation> sentinels, string masterName)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(electorate);
        ArgumentNullException.ThrowIfNull(voters);
        ArgumentNullException.ThrowIfNull(sentinels);
        var known = Known(sentinels);
        var read = known.Count(k => k.View.Master is not null && voters.Contains(k.View.MyId));
        if (read < electorate.Needed)
            return Lost(Refuse("voters-unread", $"{read} of {voters.Count} voters could be read, {electorate.Needed} are needed"));
        if (known.Find(k => k.View.Master?.ConfigEpoch >= epoch) is { View.Master: { } later, Endpoint: var at })
            return Lost(Refuse("epoch-overtaken", $"Sentinel {at} names {later.Address} in epoch {later.ConfigEpoch}"));
        // A Sentinel that has only planned an attempt gives it up: it has voted for us in a later epoch. A forced failover (SENTINEL
        // FAILOVER, flag force_failover) goes on without any vote.
        var givenUp = known.RemoveAll(k => voters.Contains(k.View.MyId)
            && k.View.Master is { FailoverInProgress: true, FailoverState: "wait_start", FailoverForced: false });
        if (Obstacle(request, known, masterName) is { } obstacle) return Lost(obstacle);

        var announcements = Known(sentinels).Where(k => k.View.Master is not null && MayTell(request, k)).Select(ElectorOf)
            .OfType<Elector>()
            .Select(e => new Announcement(e.Endpoint, e.MyId, new HelloMessage(e.Sender, epoch, masterName, request.Target, epoch)))
            .ToImmutableArray();
        if (announcements.Length < electorate.Needed)
            return Lost(Refuse("too-few-to-tell", $"{announcements.Length} Sentinels can be told now, {electorate.Needed} are needed"));
        var reason =
            $"{voters.Count} Sentinels voted for this node in epoch {epoch}{(givenUp > 0 ? $", {givenUp} give up an attempt" : "")}";
        return new LeadershipOutcome.Won(epoch, announcements, electorate.Needed, reason) { HighestEpoch = epoch };

        LeadershipOutcome Lost(LeadershipOutcome.Refused refused) => refused with { HighestEpoch = epoch };
    }

    /// <summary>After the announcements: whether a majority names the target in the won epoch.</summary>
    /// <param name="request">What was to be told.</param>
    /// <param name="won">The epoch, and who was told.</param>
    /// <param name="answers">One for each Sentinel that has answered.</param>
    public static LeadershipOutcome Confirm(
        LeadershipRequest request, LeadershipOutcome.Won won, IReadOnlyCollection<AnnounceAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(won);
        ArgumentNullException.ThrowIfNull(answers);
        var named = answers.OfType<AnnounceAnswer.Names>().ToList();
        var highest = named.Select(m => m.Epoch).Append(won.Epoch).Max();
        var confirming = named.Count(m => m.Epoch == won.Epoch && m.Master == request.Target);
        var reason = $"{confirming} Sentinels name {request.Target} in epoch {won.Epoch}, {won.Needed} are needed";
        if (named.Find(m => m.Epoch >= won.Epoch && m.Master != request.Target) is { } other)
            reason = $"{reason}; one names {other.Master} in epoch {other.Epoch}";
        else if (confirming >= won.Needed)
            return new LeadershipOutcome.Confirmed(won.Epoch, reason) { HighestEpoch = highest };
        return new LeadershipOutcome.Unconfirmed(won.Epoch, reason) { HighestEpoch = highest };
    }

    private static List<SentinelObservation.Known> Known(IReadOnlyCollection<SentinelObservation> sentinels) =>
        [.. sentinels.OfType<SentinelObservation.Known>().OrderBy(k => k.View.MyId, StringComparer.Ordinal)
            .DistinctBy(k => k.View.MyId, StringComparer.Ordinal)];

    private static LeadershipOutcome.Refused? Obstacle(LeadershipRequest request, List<SentinelObservation.Known> known, string masterName)
    {
        if (!HelloMessage.CanCarry(request.Target, masterName))
            return Refuse(
                "not-an-address", $"{request.Target} of {masterName} can't be announced: only an IP literal can", isLasting: true);
        foreach (var one in known)
        {
            if (one.View.Tilt) return Refuse("tilt", $"Sentinel {one.Endpoint} is in TILT");
            if (one.View.Master is not { } master) continue;
            if (master.FailoverInProgress)
                return Refuse("failover-in-progress", $"Sentinel {one.Endpoint} runs a failover ({master.FailoverState})");
            if (master.Address != request.Replaces && master.Address != request.Target)
                return Refuse("sentinels-name-another", $"Sentinel {one.Endpoint} names {master.Address}, not {request.Replaces}");
            if (EpochRefusal(master.ConfigEpoch) is { } beyond) return beyond;
        }

        return null;
    }

    private static bool MayTell(LeadershipRequest request, SentinelObservation.Known sentinel) =>
        request.UnlistedBecause is not null || sentinel.View.Master!.Address == request.Target
        || sentinel.View.Replicas.Any(r => r.Address == request.Target);

    // A living sender first: a hello makes its receiver take the sender for alive.
    private static Elector? ElectorOf(SentinelObservation.Known sentinel)
    {
        var (view, master) = (sentinel.View, sentinel.View.Master!);
        var sender = view.Others.Where(o => o.MyId != view.MyId && o.MyId.Length == 40 && o.Address.IsAddress)
            .OrderBy(o => o.Down).ThenBy(o => o.MyId, StringComparer.Ordinal).FirstOrDefault();
        return sender is null
            ? null
            : new Elector(sentinel.Endpoint, view.MyId, master.Address, master.ConfigEpoch, sender, [.. view.Others.Select(o => o.MyId)]);
    }

    private static IEnumerable<long> EpochsOf(SentinelObservation.Known sentinel) =>
        sentinel.View.Others.Select(o => o.VotedEpoch).Append(sentinel.View.Master!.ConfigEpoch);

    private static LeadershipOutcome.Refused? EpochRefusal(long epoch) => epoch is >= 0 and < EpochLimit
        ? null
        : Refuse("epoch-beyond-reason", $"epoch {epoch} is beyond what any group reaches", isLasting: true);

    private static LeadershipOutcome.Refused Refuse(string code, string reason, bool isLasting = false) => new(code, reason, isLasting);
}
