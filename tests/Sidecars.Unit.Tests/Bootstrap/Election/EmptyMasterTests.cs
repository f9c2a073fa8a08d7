using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>
/// An empty node is never master while data may exist. Nodes of a durable group come in any order and at any distance, each round
/// everybody who is there decides by what a backend shows of them, and what lies on the disks is generated; nobody says a word.
/// </summary>
public sealed class EmptyMasterTests
{
    private enum Backend
    {
        Evidence,
        Elector,
        ElectorWithoutPeers,
    }

    [Fact]
    public void An_empty_node_is_never_master_while_data_may_exist() => ForAll(world =>
    {
        var master = world.Elect();
        return master is null || master.HasData || world.Nodes.All(n => n.Data == DataState.Absent);
    });

    [Fact]
    public void Data_whose_stream_a_master_cannot_contain_are_never_given_to_it() => ForAll(world =>
    {
        // The group has begun without them, whatever went wrong before: now each of the others meets its master.
        foreach (var first in world.Nodes.Where(n => n.Data == DataState.Absent))
        {
            var record = new ElectionRecord
            {
                Term = 1,
                Candidate = first.Node,
                CandidateUid = first.Uid,
                CandidateIncarnation = first.Incarnation,
                CandidateAddress = first.Address
            };
            if (world.Reported)
                record = Serving(first.Address, Token(1, world.Epoch), Id(9), 0,
                    [new LineageEntry(Id(9), 0, new LineagePosition(1, world.Epoch, 1), new NodeIdentity(first.Node, first.Uid))]);
            var election = new ElectionObservation.Known(View(record, world.Nodes));
            var view =
                new NodeLook { RunId = RunId(first.Address), Role = NodeRole.Master, ReplicationId = Id(9).ToString(), Keys = world.Keys };
            foreach (var me in world.Nodes.Where(n => n.Data == DataState.Present && n.Position is not null))
            {
                var snapshot = StartingA(
                    [Says(1, first.Address, world.Epoch), Says(2, first.Address, world.Epoch), Says(3, first.Address, world.Epoch)],
                    [new NodeObservation.Known(first.Address, view)], election) with
                { Me = me };
                if (MasterSelectionPolicy.Decide(snapshot) is MasterDecision.Follow or MasterDecision.StartAsMaster) return false;
                if (MasterSelectionPolicy.Decide(snapshot with { Sentinels = [Dead(1), Dead(2), Dead(3)] }) is MasterDecision.Follow
                    or MasterDecision.StartAsMaster)
                    return false;
                // The record is not even read before anybody is followed.
                if (MasterSelectionPolicy.Decide(snapshot with { Election = null }) is not MasterDecision.ConsultElection) return false;
            }

            // Without a marker nobody can say what the data are: an empty master never gets them, whoever names it.
            foreach (var me in world.Nodes.Where(n => n.Data == DataState.Present)
                .Select(n => n with { Position = null, History = [], Token = FencingToken.None }))
            {
                var snapshot = StartingA(
                    [Says(1, first.Address, world.Epoch), Says(2, first.Address, world.Epoch), Says(3, first.Address, world.Epoch)],
                    [new NodeObservation.Known(first.Address, view with { Keys = 0 })], election) with
                { Me = me };
                if (MasterSelectionPolicy.Decide(snapshot) is not MasterDecision.Refuse { Code: "master-empty" }) return false;
            }
        }

        return true;
    });

    private static void ForAll(Func<World, bool> property) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).Select(seed => new World(new Random(seed))).ToArbitrary(), property)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private sealed class World
    {
        private readonly Random _random;
        private readonly Backend _backend;
        private readonly int[] _arrives;
        private readonly ElectionRecord _record;
        private readonly NamedMaster? _named;

        public World(Random random)
        {
            _random = random;
            var size = random.Next(1, 6);
            _backend = (Backend)random.Next(3);
            Nodes = [.. Enumerable.Range(0, size).Select(Disk)];
            // At once, or each some rounds after the others; one may never come.
            _arrives = [.. Nodes.Select(_ => random.Next(5) switch { 0 => int.MaxValue, var late => late * random.Next(4) })];
            _named = random.Next(4) == 0 ? new NamedMaster(Nodes[random.Next(size)].Address, random.Next(3)) : null;
            _record = random.Next(3) switch
            {
                0 => new ElectionRecord(),
                1 => new ElectionRecord { Term = random.Next(1, 4) },
                _ => new ElectionRecord
                { Term = 2, History = [new LineageEntry(Id(1), 0, new LineagePosition(1, 0, 1), new NodeIdentity("redis-0", "u"))] },
            };
            Epoch = random.Next(3);
            Keys = random.Next(2) * 7;
            Reported = random.Next(2) == 0;
        }

        public CandidateEvidence[] Nodes { get; }

        public long Epoch { get; }

        public long Keys { get; }

        public bool Reported { get; }

        /// <summary>The first that starts as master within twenty rounds; null where nobody does.</summary>
        public CandidateEvidence? Elect()
        {
            for (var round = 0; round < 20; round++)
            {
                var here = Nodes.Where((_, i) => _arrives[i] <= round).OrderBy(_ => _random.Next()).ToArray();
                var leader = Nodes[round % Nodes.Length].Node;
                foreach (var me in here)
                {
                    // A look is never newer than the moment, and may miss who has come just now; the look at oneself never fails.
                    var seen = here.Where(e => e == me || _random.Next(5) > 0).ToArray();
                    var view = _backend == Backend.Evidence
                        ? View(_record, seen)
                        : View(new ElectionRecord { Candidate = leader }, _backend == Backend.Elector ? seen : [me]) with
                        { CarriesEvidence = false };
                    var decision = ElectionPolicy.Decide(new ElectionFacts(view, me, Nodes.Length, Durability.Aof,
                        _backend == Backend.Evidence ? _named : null, IsLastMasterOverdue: _random.Next(2) == 0)
                    { RestoresBackups = false });
                    if (decision is ElectionDecision.Claim or ElectionDecision.Won) return me;
                }
            }

            return null;
        }

        private CandidateEvidence Disk(int ordinal)
        {
            var at = new RedisEndpoint($"10.0.0.{ordinal}", 6379);
            var stream = _random.Next(1, 3);
            LineageEntry[] history =
                [new LineageEntry(Id(stream), 0, new LineagePosition(1, 0, 1), new NodeIdentity("redis-" + stream, "u"))];
            return _random.Next(4) switch
            {
                0 => Evidence(at),
                1 => On(at, Id(stream), _random.Next(1, 1000), token: Token(1, 0), history: [.. history]),
                2 => Evidence(at, DataState.Suspect),
                _ => Evidence(at, DataState.Absent),
            };
        }
    }
}
