using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using static Sidecars.Unit.Tests.Core.Sentinel.Leadership.LeadershipPolicyTests;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

/// <summary>Coordinators beside each other, over Sentinels that vote as <c>sentinelVoteLeader</c> does.</summary>
public sealed class LeadershipPropertyTests
{
    /// <summary>Whatever order the requests arrive in, and whichever answers are lost, an epoch has one winner.</summary>
    [Fact]
    public void No_two_coordinators_hold_one_epoch() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Races, Run));

    /// <summary>Alone, with every answer, it wins within a few attempts, wherever the Sentinels' epochs are.</summary>
    [Fact]
    public void Alone_it_wins() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Races, RunAlone));

    private static void Run(Race race)
    {
        var sentinels = Enumerable.Range(1, race.Sentinels).Select(n => new Voter(n, race.Epochs[n % race.Epochs.Length])).ToArray();
        var coordinators = race.Counts.Select((count, i) => new Coordinator(new string((char)('u' + i), 40), count, sentinels)).ToArray();
        var won = new Dictionary<long, string>();
        var step = 0;
        // Each moves one request at a time; who is next, and whether an answer gets through, is drawn.
        while (coordinators.Where(c => !c.IsOver).ToArray() is { Length: > 0 } running && step < 500)
        {
            var draw = race.Draws[step++ % race.Draws.Length];
            var one = running[draw % running.Length];
            one.Ask(isLost: draw % 7 == 0, isTwice: draw % 5 == 0);
            if (one.WonEpoch is not { } epoch || won.GetValueOrDefault(epoch) == one.Candidate) continue;
            Assert.False(won.TryGetValue(epoch, out var other), $"{other} and {one.Candidate} hold epoch {epoch}");
            won[epoch] = one.Candidate;
        }

        Assert.True(step < 500, "the coordinators never end");
    }

    private static void RunAlone(Race race)
    {
        var sentinels = Enumerable.Range(1, race.Sentinels).Select(n => new Voter(n, race.Epochs[n % race.Epochs.Length])).ToArray();
        var learnt = 0L;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var one = new Coordinator(new string('u', 40), race.Sentinels, sentinels, learnt);
            while (!one.IsOver) one.Ask(isLost: false, isTwice: false);
            if (one.WonEpoch is not null) return;
            Assert.True(one.Learnt > learnt, "nothing was learnt");
            learnt = one.Learnt;
        }

        Assert.Fail("not won in 20 attempts");
    }

    private static readonly Arbitrary<Race> Races = (
        from sentinels in Gen.Elements(3, 5, 7)
        from counts in Gen.Elements(sentinels, sentinels - 2, sentinels + 2).ListOf(3)
        from epochs in Gen.Choose(0, 200).ListOf(7)
        from draws in Gen.Choose(0, 1000).ListOf(60)
        select new Race(sentinels, [.. counts], [.. epochs.Select(e => (long)e)], [.. draws])).ToArbitrary();

    // How many Sentinels there are, all of which know each other; what each coordinator is configured with (while a group grows, settings
    // differ); where the Sentinels' epochs are; order and losses.
    private sealed record Race(int Sentinels, ImmutableArray<int> Counts, ImmutableArray<long> Epochs, ImmutableArray<int> Draws);

    // sentinelVoteLeader.
    private sealed class Voter(int n, long currentEpoch)
    {
        private string _leader = "*";
        private long _leaderEpoch;
        private long _current = currentEpoch;

        public int Number => n;

        public VoteAnswer.Cast Vote(long epoch, string candidate)
        {
            _current = Math.Max(_current, epoch);
            if (_leaderEpoch < epoch && _current <= epoch) (_leader, _leaderEpoch) = (candidate, epoch);
            return new VoteAnswer.Cast(_leader, _leaderEpoch);
        }
    }

    private sealed class Coordinator
    {
        private static readonly RedisEndpoint Old = new("10.0.0.1", 6379);
        private static readonly RedisEndpoint New = new("10.0.9.1", 6379);
        private readonly Electorate? _electorate;
        private readonly Voter[] _sentinels;
        private readonly Dictionary<string, VoteAnswer> _answers = [];
        private long _epoch;
        private int _next;
        private int _votes;

        public Coordinator(string candidate, int configured, Voter[] sentinels, long learnt = 0)
        {
            (Candidate, _sentinels) = (candidate, sentinels);
            var request = new LeadershipRequest(New, Old, configured) { UnlistedBecause = "test", LearntEpoch = learnt };
            _electorate = LeadershipPolicy.Prepare(request, [.. sentinels.Select(s => View(s, sentinels))], candidate, "m", out _);
            _epoch = _electorate?.Epoch ?? 0;
            Learnt = learnt;
            IsOver = _electorate is null;
        }

        public string Candidate { get; }

        public bool IsOver { get; private set; }

        public long? WonEpoch { get; private set; }

        public long Learnt { get; private set; }

        public void Ask(bool isLost, bool isTwice)
        {
            var sentinel = _sentinels[_next++];
            var answer = sentinel.Vote(_epoch, Candidate);
            if (isTwice) answer = sentinel.Vote(_epoch, Candidate);
            _answers[Id(sentinel.Number)] = isLost ? new VoteAnswer.Silent("lost") : answer;
            if (_next < _sentinels.Length) return;
            _next = 0;
            switch (LeadershipPolicy.Count(_electorate!, _epoch, Candidate, _answers))
            {
                case VoteCount.Won:
                    WonEpoch = _epoch;
                    IsOver = true;
                    break;
                case VoteCount.AskAgain again:
                    Learnt = again.Epoch;
                    _epoch = again.Epoch;
                    IsOver = ++_votes >= LeadershipPolicy.MaxVotes;
                    break;
                case VoteCount.Ended ended:
                    Learnt = Math.Max(Learnt, ended.Outcome.HighestEpoch);
                    IsOver = true;
                    break;
            }
        }

        private static SentinelObservation.Known View(Voter sentinel, Voter[] all) =>
            new(new RedisEndpoint($"10.0.1.{sentinel.Number}", 26379), new SentinelView
            {
                MyId = Id(sentinel.Number),
                Master = new SentinelMaster { Address = Old, Flags = "master,s_down" },
                Others = [.. all.Where(o => o != sentinel).Select(o => new SentinelPeer
                { Address = new RedisEndpoint($"10.0.1.{o.Number}", 26379), MyId = Id(o.Number), Flags = "sentinel" })],
            });
    }
}
