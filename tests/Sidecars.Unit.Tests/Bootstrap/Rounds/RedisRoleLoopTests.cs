using Sidecars.Bootstrap.Backends;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Redis;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>
/// The rounds of an election: nobody else answers, this node's disk is empty, and the record is at a backend that has weather.
/// </summary>
[Collection(QuietDays.Name)]
public sealed class RedisRoleLoopTests : IDisposable
{
    private readonly RoundRig _rig = new(ServerMode.Redis);
    private readonly HandElection _election;
    private readonly ITestOutputHelper _output;

    public RedisRoleLoopTests(ITestOutputHelper output) => (_election, _output) = (new HandElection(_rig.Time), output);

    public void Dispose() => _rig.Dispose();

    [Fact]
    [QuietDayOf(typeof(RedisRoleLoop))]
    public async Task A_backend_that_is_away_for_a_day_is_asked_every_minute_told_of_once_and_the_election_held_when_it_is_back()
    {
        _election.Peers = true;
        _election.Away = "refused";
        var loop = _rig.Start(Loop().RunAsync);
        await OnThreadAsync(() =>
        {
            QuietDay.Pass(_rig.Time, () => _rig.Time.Sleepers == 1, _output);
            Assert.InRange(_election.Asked, 1_700, 2_200);
            Assert.InRange(_rig.Lines.Length, 1, 4);
            _election.Away = null;
            _rig.Run(TimeSpan.FromMinutes(2), loop);
        });
        Assert.Equal(new RedisStart(null, Elected: true, new FencingToken(1, 0, 0)), await loop);
        Assert.Equal(1, _election.Claims);
    }

    [Fact]
    public async Task Nodes_that_are_missing_are_waited_for_and_a_backend_that_takes_seconds_is_asked_one_question_at_a_time()
    {
        _election.Slowness = TimeSpan.FromSeconds(30);
        var loop = _rig.Start(Loop().RunAsync);
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(1), loop);
            Assert.InRange(_election.Asked, 35, 65);
            Assert.Equal(0, _election.Claims);
            _election.Peers = true;
            _rig.Run(TimeSpan.FromMinutes(5), loop);
        });
        Assert.Null((await loop).Follow);
    }

    [Fact]
    public async Task A_claim_that_is_lost_is_paced_as_any_other_round()
    {
        _election.Peers = true;
        _election.Loses = true;
        var loop = _rig.Start(Loop().RunAsync);
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(1), loop);
            Assert.InRange(_election.Claims, 60, 100);
            _election.Loses = false;
            _rig.Run(TimeSpan.FromMinutes(2), loop);
        });
        Assert.True((await loop).Elected);
    }

    [Fact]
    public async Task A_backend_that_throws_ends_the_start_which_the_container_repeats()
    {
        _election.Throws = new InvalidDataException("no record");
        Assert.Equal("no record", (await Assert.ThrowsAsync<InvalidDataException>(() => _rig.Start(Loop().RunAsync))).Message);
    }

    /// <summary>Named itself, it has a replica take over; where the Sentinels refuse a hello, one of them is asked.</summary>
    [Fact]
    public async Task Where_the_Sentinels_refuse_a_hello_the_one_that_names_this_node_is_asked()
    {
        await using var group = Untold();
        using var rig = new RoundRig(ServerMode.Redis, group.Time);
        var loop = rig.Start(Loop(rig, group, group.To).RunAsync);
        await OnThreadAsync(() =>
        {
            rig.Run(TimeSpan.FromSeconds(2), loop);
            Assert.NotEmpty(group.Changes);
            Assert.All(group.Changes, c => Assert.Equal("FAILOVER at 1", c));
            group.Promote();
            group.Named = (MemoryGroup.Other, 4);
            rig.Run(TimeSpan.FromMinutes(1), loop);
        });
        Assert.Equal(MemoryGroup.Other, (await loop).Follow);
    }

    [Fact]
    public async Task A_Sentinel_that_names_another_by_the_time_it_is_asked_gets_no_request()
    {
        await using var group = Untold();
        using var rig = new RoundRig(ServerMode.Redis, group.Time);
        var asked = 0;
        var loop = rig.Start(Loop(rig, group, to =>
        {
            asked++;
            group.Named = (MemoryGroup.Other, 4); // somebody has told all of them since this round's look
            return group.To(to);
        }).RunAsync);
        await OnThreadAsync(() => rig.Run(TimeSpan.FromMinutes(1), loop));
        Assert.Equal((MemoryGroup.Other, 1), ((await loop).Follow, asked));
        Assert.Empty(group.Changes);
        Assert.Contains(rig.Lines, line => line.Contains("it names 10.0.0.2:6379, not 10.0.0.1:6379", StringComparison.Ordinal));
    }

    /// <summary>Without a hairpin asking there costs a deadline a round; with one the predecessor may answer.</summary>
    [Fact]
    public async Task The_announced_address_is_listed_and_named_by_all_and_never_dialled_by_the_node_whose_it_is()
    {
        await using var group = Untold();
        using var rig = new RoundRig(ServerMode.Redis, group.Time);
        var loop = rig.Start(Loop(rig, group, group.To).RunAsync);
        await OnThreadAsync(() =>
        {
            rig.Run(TimeSpan.FromMinutes(1), loop);
            Assert.InRange(group.Replica.Connects, 2, int.MaxValue);
            group.Promote();
            group.Named = (MemoryGroup.Other, 4);
            rig.Run(TimeSpan.FromMinutes(2), loop);
        });
        Assert.Equal(MemoryGroup.Other, (await loop).Follow);
        Assert.Equal(0, group.Redis.Connects);
    }

    private static MemoryGroup Untold() => new(TimeSpan.FromSeconds(1))
    {
        HelloReply = FakeReply.Error("NOPERM this user has no permissions to run the 'publish' command"),
    };

    // A node that three Sentinels name, and that does not listen; what it asks of one of them goes through this transport.
    private RedisRoleLoop Loop(RoundRig rig, MemoryGroup group, Func<RedisEndpoint, IRespTransport> toSentinel)
    {
        var options = new RedisClientOptions { Time = group.Time };
        SentinelClient Sentinels(Func<RedisEndpoint, IRespTransport> to) => new(to, options, rig.Options.Group.MasterName);
        var leadership = new SentinelLeadership(
            Sentinels(group.To).ObserveAsync, new LeadershipClient(group.To, options, rig.Options.Group.MasterName), group.Time);
        var addresses = new GroupAddresses(
            [.. group.Sentinels.Select(s => s.Endpoint)], [MemoryGroup.Me, MemoryGroup.Other], TimeSpan.FromSeconds(1));
        return Loop(rig, new GroupObserver(addresses, Sentinels(group.To), new NodeClient(group.To, options), group.Time),
            Sentinels(toSentinel), leadership, new SuccessionRunner(leadership, group.To, options));
    }

    private RedisRoleLoop Loop()
    {
        var group = _rig.Options.Group;
        var options = new RedisClientOptions { Time = _rig.Time };
        var sentinels = new SentinelClient(Refusing, options, group.MasterName);
        var leadership = new SentinelLeadership(
            sentinels.ObserveAsync, new LeadershipClient(Refusing, options, group.MasterName), _rig.Time);
        var observer = new GroupObserver(new GroupAddresses(group.SentinelHosts, group.RedisHosts, group.ConnectTimeout), sentinels,
            new NodeClient(Refusing, options), _rig.Time);
        return Loop(_rig, observer, sentinels, leadership, new SuccessionRunner(leadership, Refusing, options));
    }

    private RedisRoleLoop Loop(
        RoundRig rig, GroupObserver observer, SentinelClient sentinels, SentinelLeadership leadership, SuccessionRunner succession) =>
        new(
            observer,
            sentinels,
            leadership,
            succession,
            _election,
            new DataGuard(rig.Options, A, DataLayout.Default, rig.Log, rig.Time),
            new BackupRestore("/nowhere/redis-backup", rig.Data, rig.Time),
            new RedisRoleSettings(3, 3, Durability.Aof, TimeSpan.FromSeconds(10), null, RestoresBackups: false),
            rig.Reporter, rig.Pacer, rig.Time);

    private static MemoryServer Refusing(RedisEndpoint at) =>
        new(at, _ => FakeReply.Ok) { Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused") };

    /// <summary>Keeps the record of a group that never had one.</summary>
    private sealed class HandElection(VirtualTime time) : IElectionBackend
    {
        private ElectionRecord _record = new();

        public string Description => "hand";

        public int? InheritedDescriptor => null;

        public int Asked { get; private set; }

        public int Claims { get; private set; }

        public string? Away { get; set; }

        public TimeSpan Slowness { get; set; }

        public Exception? Throws { get; set; }

        public bool Loses { get; set; }

        /// <summary>The other two nodes are there, with empty disks.</summary>
        public bool Peers { get; set; }

        public async Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation)
        {
            Asked++;
            if (Slowness > TimeSpan.Zero) await Task.Delay(Slowness, time, cancellation);
            if (Throws is { } thrown) throw thrown;
            if (Away is { } why) return new ElectionObservation.Unavailable(why);
            CandidateEvidence[] others = Peers ? [Evidence(B, DataState.Absent), Evidence(C, DataState.Absent)] : [];
            return new ElectionObservation.Known(
                new ElectionView { Record = _record, Version = "v", CandidateAlive = true, Evidence = [mine, .. others] });
        }

        public Task<ClaimOutcome> ClaimAsync(
            ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation)
        {
            Claims++;
            if (Loses) return Task.FromResult<ClaimOutcome>(new ClaimOutcome.Lost("another wrote first"));
            _record = decidedOn.Record.Claimed(mine, decidedOn.HighestTerm, word);
            return Task.FromResult<ClaimOutcome>(new ClaimOutcome.Won(_record.Term));
        }

        public void Dispose()
        {
            // Holds nothing.
        }
    }
}
