using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>
/// A history is played (a master writes, replicas follow at a distance, Sentinel promotes, markers and records lag behind), all
/// nodes die, and some come back: whom does the policy choose, from what they can know?
/// </summary>
public sealed class ElectionWorldTests
{
    private static readonly RedisEndpoint[] Addresses = [A, B, C];

    [Fact]
    public void The_winner_never_has_provably_less_than_another_of_the_same_id_and_everybody_agrees() => ForAll(world =>
    {
        var decisions = world.Decide(world.Evidence);
        var claims = decisions.OfType<ElectionDecision.Claim>().Count();
        if (claims == 0) return decisions.All(d => d is ElectionDecision.Wait) || decisions.All(d => d is ElectionDecision.Refuse);
        var winner = world.Evidence[Array.FindIndex(decisions, d => d is ElectionDecision.Claim)];
        return claims == 1 && decisions.OfType<ElectionDecision.Lost>().All(l => l.Winner == winner.Node)
            && decisions.Length == 1 + decisions.OfType<ElectionDecision.Lost>().Count()
            && world.Evidence.All(e => e.Position is null || e.Position.At.Id != winner.Position!.At.Id
                || e.Position.Lower <= (winner.Position.Upper ?? long.MaxValue));
    });

    [Fact]
    public void With_every_disk_there_nothing_acknowledged_and_held_by_a_disk_is_lost() => ForAll(world =>
    {
        var decisions = world.Decide(world.Evidence);
        var at = Array.FindIndex(decisions, d => d is ElectionDecision.Claim);
        return world.Missing > 0 || at < 0 || world.Truth[world.Index(at)] == world.Truth.Max();
    });

    [Fact]
    public void Neither_order_nor_clocks_change_the_winner_nor_names_what_it_holds() => ForAll(world =>
    {
        var winner = world.Winner(world.Evidence);
        var skewed = world.Evidence.Select((e, i) => e with { LastTimestamp = e.LastTimestamp + (i * 3600) - 3600 }).Reverse().ToArray();
        if (world.Winner(skewed) != winner) return false;
        // Names decide between equal disks only, so that all nodes choose alike.
        var renamed = world.Rename();
        return world.Holds(renamed.Winner(renamed.Evidence)) == world.Holds(winner);
    });

    [Fact]
    public void A_missing_disk_never_turns_a_wait_into_a_worse_master() => ForAll(world =>
    {
        // Whoever wins of fewer nodes holds what the record or a Sentinel majority vouches for: never less than was acknowledged
        // by the in-sync set at its last report.
        var at = Array.FindIndex(world.Decide(world.Evidence), d => d is ElectionDecision.Claim);
        return at < 0 || world.Truth[world.Index(at)] >= world.Promised;
    });

    private static void ForAll(Func<World, bool> property) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).Select(seed => World.Play(seed)).ToArbitrary(), property)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1500));

    /// <summary>Truth is the logical amount of acknowledged data on a disk: positions of all ids laid end to end.</summary>
    private sealed record World(
        long[] Truth, CandidateEvidence[] Evidence, int[] Present, ElectionRecord Record, NamedMaster? Named, long Promised)
    {
        public int Missing => 3 - Present.Length;

        public int Index(int at) => Present[at];

        public static World Play(int seed)
        {
            var random = new Random(seed);
            var master = 0;
            long epoch = 0, generation = 1;
            var truth = new long[3];
            var ids = new int[3];
            var history = ImmutableArray<LineageEntry>.Empty;
            int id = 1;
            long streamStart = 0;
            void Serve() => history = history.Add(new LineageEntry(Id(id), 0, new LineagePosition(1, epoch, generation), Who(master)));
            Serve();
            for (var i = 0; i < 3; i++) ids[i] = id;
            var histories = Enumerable.Range(0, 3).Select(_ => history).ToArray();
            var served = Enumerable.Range(0, 3).Select(_ => new LastServing(Who(0), Token(1, 0))).ToArray();
            var markers = new long[3];
            var earlier = new long?[3];
            ElectionRecord record = new() { Term = 1 };
            var apiDown = false;
            var alive = new[] { true, true, true };
            long promised = 0;
            for (var step = random.Next(3, 12); step > 0; step--)
            {
                switch (random.Next(6))
                {
                    case 0 when alive.Count(a => a) > 1: // Sentinel promotes the best replica; the others follow it
                        var best = Enumerable.Range(0, 3).Where(i => i != master && alive[i]).OrderByDescending(i => truth[i]).First();
                        (master, epoch, id, generation) = (best, epoch + 1, id + 1, generation + 1);
                        streamStart = truth[master];
                        Serve();
                        break;
                    case 1: apiDown = !apiDown; break;
                    case 2 when !alive.All(a => a): alive = [true, true, true]; break;
                    case 3 when random.Next(3) == 0: // a replica dies for a while; min-replicas needs the other
                        var gone = random.Next(3);
                        if (gone != master && alive.Count(a => a) == 3) alive[gone] = false;
                        break;
                }

                truth[master] += random.Next(1, 50);
                foreach (var i in Enumerable.Range(0, 3).Where(i => alive[i]))
                {
                    if (i != master) truth[i] = truth[master];
                    (ids[i], histories[i], served[i]) = (id, history, new LastServing(Who(master), Token(1, epoch)));
                    (earlier[i], markers[i]) = (markers[i] > streamStart ? markers[i] - streamStart : null, truth[i]);
                }

                if (apiDown) continue;
                promised = truth[master];
                record = new ElectionRecord
                {
                    Term = 1,
                    HighestEpoch = epoch,
                    History = history,
                    LastServing = new ServingMaster(
                        Name(master), "u", Addresses[master], Token(1, epoch), Id(id), truth[master] - streamStart),
                    InSync = [.. Enumerable.Range(0, 3).Where(i => i != master && alive[i])
                        .Select(i => new InSyncReplica(Name(i), "u", truth[i] - streamStart))],
                };
            }

            // The last moment: more is written than any marker notes; replicas get part of it.
            var last = random.Next(0, 30);
            truth[master] += last;
            foreach (var i in Enumerable.Range(0, 3).Where(i => i != master && alive[i])) truth[i] += random.Next(0, last + 1);
            var starts = new Dictionary<int, long> { [id] = streamStart };
            var present = Enumerable.Range(0, 3).Where(_ => random.Next(4) != 0).ToArray();
            if (present.Length == 0) present = [random.Next(3)];
            var evidence = present.Select(i =>
            {
                // Of an older id only the order counts here: its offsets are laid out from 0.
                var start = starts.GetValueOrDefault(ids[i]);
                var exact = truth[i] == markers[i];
                return Facts.Evidence(Addresses[i]) with
                {
                    Position = new DiskPosition(new ReplicationPosition(Id(ids[i]), markers[i] - start),
                        exact ? PositionBound.Exact : PositionBound.AtLeast, PositionSource.Marker)
                    {
                        Lower = markers[i] - start,
                        Estimate = truth[i] - start, // the AOF has grown by what was written
                        Upper = exact ? markers[i] - start : null,
                    },
                    EarlierOffset = earlier[i],
                    LastServing = served[i],
                    Token = served[i].Token,
                    HighestEpoch = served[i].Token.Epoch,
                    History = histories[i],
                    LastTimestamp = 1_800_000_000 + markers[i],
                };
            }).ToArray();
            var named = random.Next(2) == 0 ? new NamedMaster(Addresses[master], epoch) : null;
            return new World(truth, evidence, present, record, named, promised);
        }

        public ElectionDecision[] Decide(CandidateEvidence[] all) =>
            [.. all.Select(me => ElectionPolicy.Decide(new ElectionFacts(View(Record, all), me, 3, Durability.Aof, Named)))];

        public RedisEndpoint? Winner(CandidateEvidence[] all)
        {
            var at = Array.FindIndex(Decide(all), d => d is ElectionDecision.Claim);
            return at < 0 ? null : all[at].Address;
        }

        public long? Holds(RedisEndpoint? at) => at is null ? null : Truth[Array.IndexOf(Addresses, at)];

        // redis-1 becomes redis-7, and so on the other way round: addresses stay, the alphabet turns.
        public World Rename()
        {
            static string To(string name) => "redis-" + (char)('8' - (name[^1] - '0'));
            static ImmutableArray<LineageEntry> All(ImmutableArray<LineageEntry> h) =>
                [.. h.Select(e => e with { Master = e.Master with { Name = To(e.Master.Name) } })];
            return this with
            {
                Evidence = [.. Evidence.Select(e => e with
                {
                    Node = To(e.Node), History = All(e.History),
                    LastServing = e.LastServing! with { Node = e.LastServing.Node with { Name = To(e.LastServing.Node.Name) } }
                })],
                Record = Record with
                {
                    History = All(Record.History),
                    LastServing = Record.LastServing is { } s ? s with { Node = To(s.Node) } : null,
                    InSync = Record.InSync is { } r ? [.. r.Select(x => x with { Node = To(x.Node) })] : null,
                },
            };
        }

        private static NodeIdentity Who(int i) => new(Name(i), "u");

        private static string Name(int i) => "redis-" + (i + 1);
    }
}
