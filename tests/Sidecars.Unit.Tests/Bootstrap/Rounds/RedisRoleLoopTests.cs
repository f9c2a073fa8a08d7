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
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>The rounds of an election: nobody else answers, this node's disk is empty, and the record is at a backend that has weather.</summary>
public sealed class RedisRoleLoopTests : IDisposable
{
    private readonly RoundRig _rig = new(ServerMode.Redis);
    private readonly HandElection _election;

    public RedisRoleLoopTests() => _election = new HandElection(_rig.Time);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_backend_that_is_away_for_a_day_is_asked_every_minute_told_of_once_and_the_election_held_when_it_is_back()
    {
        _election.Peers = true;
        _election.Away = "refused";
        var loop = _rig.Start(Loop().RunAsync);
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(24), loop);
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

    private RedisRoleLoop Loop()
    {
        var group = _rig.Options.Group;
        var options = new RedisClientOptions { Time = _rig.Time };
        var sentinels = new SentinelClient(Refusing, options, group.MasterName);
        var leadership = new SentinelLeadership(sentinels.ObserveAsync, new LeadershipClient(Refusing, options, group.MasterName), _rig.Time);
        return new RedisRoleLoop(
            new GroupObserver(new GroupAddresses(group.SentinelHosts, group.RedisHosts, group.ConnectTimeout), sentinels, new NodeClient(Refusing, options), _rig.Time),
            sentinels,
            leadership,
            new SuccessionRunner(leadership, Refusing, options),
            _election,
            new DataGuard(_rig.Options, A, DataLayout.Default, _rig.Log, _rig.Time),
            new BackupRestore("/nowhere/redis-backup", _rig.Data, _rig.Time),
            new RedisRoleSettings(3, 3, Durability.Aof, TimeSpan.FromSeconds(10), null, RestoresBackups: false),
            _rig.Reporter, _rig.Pacer, _rig.Time);
    }

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
            return new ElectionObservation.Known(new ElectionView { Record = _record, Version = "v", CandidateAlive = true, Evidence = [mine, .. others] });
        }

        public Task<ClaimOutcome> ClaimAsync(ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation)
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
