using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>Votes and announcements of one coordinator, each of which may reach a Sentinel or not, and whose answers may be lost.</summary>
/// <param name="world">Where it acts.</param>
/// <param name="target">The next master.</param>
/// <param name="replaces">The master that is named.</param>
/// <param name="id">What its candidates begin with.</param>
/// <param name="isReached">Whether the next message gets through.</param>
internal class HandOverActor(HandOverWorld world, RedisEndpoint target, RedisEndpoint replaces, string id, Func<bool> isReached)
{
    private const string Name = "m";
    private readonly LeadershipRequest _request = new(target, replaces, Three.SentinelCount);
    private int _attempts;

    /// <summary>The highest epoch that was met.</summary>
    public long Learnt { get; set; }

    protected HandOverWorld World => world;

    protected LeadershipOutcome.Won? Epoch { get; private set; }

    /// <summary>Gathers, votes and looks again, as <see cref="SentinelLeadership"/>.</summary>
    public bool Win()
    {
        Epoch = null;
        var candidate = (id + ++_attempts).PadLeft(40, 'f');
        var before = Reached();
        if (LeadershipPolicy.Prepare(_request with { LearntEpoch = Learnt }, before, candidate, Name, out _) is not { } electorate)
            return false;
        var epoch = electorate.Epoch;
        for (var vote = 1; vote <= LeadershipPolicy.MaxVotes; vote++)
        {
            var answers = electorate.Electors.ToDictionary(e => e.MyId, e => Vote(e, epoch, candidate), StringComparer.Ordinal);
            switch (LeadershipPolicy.Count(electorate, epoch, candidate, answers))
            {
                case VoteCount.Won { Voters: var voters }:
                    var outcome = LeadershipPolicy.LookAgain(_request, electorate, epoch, voters, Reached(), Name);
                    Learnt = Math.Max(Learnt, outcome.HighestEpoch);
                    Epoch = outcome as LeadershipOutcome.Won;
                    return Epoch is not null;
                case VoteCount.AskAgain again:
                    (epoch, Learnt) = (again.Epoch, again.Epoch);
                    break;
                case VoteCount.Ended ended:
                    Learnt = Math.Max(Learnt, ended.Outcome.HighestEpoch);
                    return false;
            }
        }

        return false;
    }

    /// <summary>Tells whom it reaches; an answer may be lost all the same.</summary>
    public LeadershipOutcome Announce()
    {
        var answers = Epoch!.Announcements.Select(Tell).ToList();
        var outcome = LeadershipPolicy.Confirm(_request, Epoch, answers);
        Learnt = Math.Max(Learnt, outcome.HighestEpoch);
        return outcome;
    }

    private VoteAnswer Vote(Elector elector, long epoch, string candidate)
    {
        if (!isReached()) return new VoteAnswer.Silent("lost");
        var cast =
            SentinelOf(elector.MyId).Named == elector.Named ? SentinelOf(elector.MyId).Vote(epoch, candidate) : new VoteAnswer.Cast("*", 0);
        return isReached() ? cast : new VoteAnswer.Silent("lost");
    }

    private AnnounceAnswer Tell(Announcement announcement)
    {
        if (!isReached()) return new AnnounceAnswer.Silent("lost");
        var (sentinel, hello) = (SentinelOf(announcement.MyId), announcement.Hello);
        world.Tell(sentinel, hello.Master, hello.ConfigEpoch, hello.Epoch);
        return isReached() ? new AnnounceAnswer.Names(sentinel.Named, sentinel.ConfigEpoch) : new AnnounceAnswer.Silent("lost");
    }

    private MemorySentinel SentinelOf(string myId) => world.Sentinels.Single(s => s.MyId == myId);

    private ImmutableArray<SentinelObservation> Reached() => world.Seen(_ => isReached());
}
