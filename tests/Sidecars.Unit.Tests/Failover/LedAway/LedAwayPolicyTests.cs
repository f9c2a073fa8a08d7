using System.Text.Json;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.LedAway;

public sealed class LedAwayPolicyTests
{
    private static readonly RedisEndpoint Me = new("10.0.0.1", 6379);
    private static readonly RedisEndpoint B = new("10.0.0.2", 6379);
    private static readonly RedisEndpoint C = new("10.0.0.3", 6379);
    private static readonly RedisEndpoint Stranger = new("10.9.9.9", 6379);
    private static readonly string RunId = new('a', 40);

    private static readonly OwnServer.Answers Master =
        new() { RunId = RunId, IsMaster = true, FreshReplicas = 2, MinReplicas = 1, MaxLag = 3 };

    // A hello of nobody's: every Sentinel names a stranger in a higher epoch, and all else is as it was.
    private static readonly LedAwayFacts Led = new()
    {
        Node = "redis-0",
        RedisCount = 3,
        Server = Master,
        Address = Me,
        Replicas = [B, C],
        Token = new FencingToken(2, 7, 0),
        Quorum =
            new QuorumFacts { HasMajority = true, IsComplete = true, Named = Stranger, Epoch = 90, Reason = "3 of 3 name 10.9.9.9:6379" },
        Before = new NamedBefore(RunId, [B, C]),
        StepDownRuns = false,
        Group = new RecordedGroup(
            [new("redis-0", Me), new("redis-1", B), new("redis-2", C)], 2, null, "redis-0", new FencingToken(2, 7, 0)),
    };

    // What makes it another matter, by its code.
    private static readonly Dictionary<string, Func<LedAwayFacts, LedAwayFacts>> Otherwise = new(StringComparer.Ordinal)
    {
        ["own-unknown: silent"] = f => f with { Server = new OwnServer.Silent("hangs") },
        ["own-unknown: dead"] = f => f with { Server = new OwnServer.Dead(RunId, WasMaster: true) },
        ["not-master"] = f => f with { Server = Master with { IsMaster = false } },
        ["address-unknown"] = f => f with { Address = null },
        ["not-agreed"] = f => f with { Quorum = f.Quorum with { Named = null } },
        ["named"] = f => f with { Quorum = f.Quorum with { Named = Me } },
        ["named-is-node"] = f => f with { Quorum = f.Quorum with { Named = B } },
        ["record-unavailable"] = f => f with { Group = null, Unread = "503" },
        ["addresses-incomplete"] = f => f with { Group = f.Group! with { Nodes = [.. f.Group.Nodes.Take(2), new("redis-1", Me)] } },
        ["address-is-another"] = f => f with { HasImpostor = true },
        ["loading"] = f => f with { Server = Master with { IsLoading = true } },
        ["never-named: this process of the sidecar"] = f => f with { Before = null },
        ["never-named: another process of the server"] = f => f with { Before = f.Before! with { RunId = new string('b', 40) } },
        ["replica-promoted: listed"] = f => f with { Before = f.Before! with { Replicas = [B, C, Stranger] } },
        ["replica-promoted: follows still"] = f => f with { Replicas = [B, C, Stranger] },
        ["failing-over"] = f => f with { Quorum = f.Quorum with { IsFailingOver = true } },
        ["step-down"] = f => f with { StepDownRuns = true },
        ["step-down: unknown"] = f => f with { StepDownRuns = null },
        ["step-down: its fence"] = f => f with { Server = Master with { MinReplicas = WriteFence.StepDown } },
        ["replaced: no marker"] = f => f with { Token = null },
        ["replaced: nobody has served"] = f => f with { Group = f.Group! with { Serving = null } },
        ["replaced: another serves"] = f => f with { Group = f.Group! with { Serving = "redis-1" } },
        ["replaced: a higher token"] = f => f with { Group = f.Group! with { Token = new FencingToken(2, 8, 0) } },
        ["replaced: an election"] = f => f with { Group = f.Group! with { Term = 3 } },
        ["replaced: another was chosen"] = f => f with { Group = f.Group! with { Candidate = "redis-2" } },
        ["replicas-missing"] = f => f with { Server = Master with { FreshReplicas = 0 } },
        ["epoch-beyond-reason: the first"] = f => f with { Quorum = f.Quorum with { Epoch = LeadershipPolicy.EpochLimit } },
        ["epoch-beyond-reason: the last"] = f => f with { Quorum = f.Quorum with { Epoch = long.MaxValue } },
    };

    public static TheoryData<string> Others => [.. Otherwise.Keys];

    [Fact]
    public void Sentinels_that_name_nobody_of_this_group_are_told_back()
    {
        var tell = Assert.IsType<LedAwayDecision.Tell>(LedAwayPolicy.Decide(Led));
        Assert.Equal((Me, Stranger, "led-away"), (tell.Master, tell.Named, tell.Code));
        Assert.Equal(
            "3 of 3 name 10.9.9.9:6379, which no node of this group announces; 10.0.0.1:6379 serves with token 2.7.0 and 2 replicas",
            tell.Reason);
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Whatever_is_missing_or_speaks_against_it_has_its_code(string named)
    {
        var decision = LedAwayPolicy.Decide(Otherwise[named](Led));
        Assert.Equal(named.Split(':')[0], decision.Code);
        Assert.IsNotType<LedAwayDecision.Tell>(decision);
    }

    // The last epoch in which a vote can be won, and more than a record can hold: the group serves again, and the record keeps what it has.
    [Fact]
    public void The_last_epoch_that_can_be_outbid_is() =>
        Assert.IsType<LedAwayDecision.Tell>(LedAwayPolicy.Decide(In(LeadershipPolicy.EpochLimit - 1)));

    private static LedAwayFacts In(long epoch) => Led with { Quorum = Led.Quorum with { Epoch = epoch } };

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(2, 0, false)]
    [InlineData(2, 1, true)]
    [InlineData(5, 1, false)]
    [InlineData(5, 2, true)]
    public void A_majority_of_the_nodes_must_be_on_its_side(int count, int replicas, bool isTold)
    {
        var nodes = Enumerable.Range(0, count).Select(n => new NodeAnnouncement($"redis-{n}", new RedisEndpoint($"10.0.0.{n + 1}", 6379)));
        var facts = Led with { RedisCount = count, Server = Master with { FreshReplicas = replicas } };
        var decision = LedAwayPolicy.Decide(facts with { Group = Led.Group! with { Nodes = [.. nodes] } });
        Assert.Equal(isTold, decision is LedAwayDecision.Tell);
    }

    // Nobody was led to a stranger; and the next failover could not be published.
    [Fact]
    public void An_epoch_that_is_recorded_nowhere_is_refused_though_they_name_this_master()
    {
        var named = In(EpochReading.MaxEpoch + 1) with { Quorum = In(EpochReading.MaxEpoch + 1).Quorum with { Named = Me } };
        Assert.Equal("epoch-not-believable", Assert.IsType<LedAwayDecision.Refuse>(LedAwayPolicy.Decide(named)).Code);
        Assert.Equal("named", LedAwayPolicy.Decide(named with { Quorum = named.Quorum with { Epoch = EpochReading.MaxEpoch } }).Code);
    }

    [Fact]
    public void A_replica_from_outside_is_refused_by_name_before_Sentinel_promotes_it_and_only_where_every_node_is_known()
    {
        var peace = Led with { Quorum = Led.Quorum with { Named = Me }, Replicas = [B, C, Stranger], StrangerFor = LedAwayPolicy.Patience };
        var refused = Assert.IsType<LedAwayDecision.Refuse>(LedAwayPolicy.Decide(peace));
        Assert.Equal("foreign-replica", refused.Code);
        Assert.Contains("10.9.9.9:6379", refused.Reason, StringComparison.Ordinal);
        Assert.Equal("named", LedAwayPolicy.Decide(peace with { StrangerFor = LedAwayPolicy.Patience - TimeSpan.FromSeconds(1) }).Code);
        Assert.Equal("named", LedAwayPolicy.Decide(peace with { Group = null }).Code);
        var partial = peace.Group! with { Nodes = [.. peace.Group.Nodes.Take(2)] };
        Assert.Equal("named", LedAwayPolicy.Decide(peace with { Group = partial }).Code);
    }

    // An election's evidence is of the last cold start; a node that came later has only its sidecar's word, and one that moved has both.
    [Fact]
    public void Nodes_are_known_by_evidence_or_by_what_their_sidecars_have_recorded()
    {
        var view = new ElectionView { Record = new ElectionRecord(), Version = "1", Evidence = [Evidence(Me), Evidence(B)] };
        var group = RecordedGroup.Of(view, [new("redis-2", "uid", Stranger, null, null), new("redis-3", "uid", C, null, null)]);
        Assert.Equal(3, group.Count);
        Assert.All(new[] { Me, B, C, Stranger }, address => Assert.True(group.Has(address)));
    }

    [Fact]
    public void The_facts_of_a_logged_decision_are_decided_alike_again()
    {
        foreach (var facts in Otherwise.Values.Select(change => change(Led)).Append(Led))
        {
            var json = JsonSerializer.Serialize(facts, LedAwayJson.Default.LedAwayFacts);
            var read = JsonSerializer.Deserialize(json, LedAwayJson.Default.LedAwayFacts)!;
            Assert.Equal(LedAwayPolicy.Decide(facts), LedAwayPolicy.Decide(read));
        }
    }
}
