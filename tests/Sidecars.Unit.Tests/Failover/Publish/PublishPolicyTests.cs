using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Publish;

public sealed class PublishPolicyTests
{
    private static readonly PublishFacts Own =
        new() { Server = Master, Address = Me, Quorum = NamesMe, Term = 2, RankDelay = TimeSpan.FromSeconds(5) };

    [Fact]
    public void The_sidecar_beside_the_new_master_publishes_at_once()
    {
        var decision = Assert.IsType<PublishDecision.Own>(PublishPolicy.Decide(Own));
        Assert.Equal((2, 3), (decision.Term, decision.Epoch));
    }

    [Fact]
    public void Not_before_its_own_server_is_master_and_the_one_that_Sentinels_talk_to()
    {
        Assert.Equal("own-not-master", PublishPolicy.Decide(Own with { Server = Replica }).Code);
        Assert.Equal("own-loading", PublishPolicy.Decide(Own with { Server = Master with { IsLoading = true } }).Code);
        Assert.Equal("own-dead", PublishPolicy.Decide(Own with { Server = new OwnServer.Dead(RunId, true) }).Code);
        Assert.Equal("own-silent", PublishPolicy.Decide(Own with { Server = new OwnServer.Silent("hangs") }).Code);
        Assert.Equal("run-id-differs", PublishPolicy.Decide(Own with { Quorum = NamesMe with { RunIds = [OtherRunId] } }).Code);
        Assert.Equal("address-is-another", PublishPolicy.Decide(Own with { HasImpostor = true }).Code);
    }

    [Fact]
    public void The_others_look_after_their_rank()
    {
        var facts = Own with { Server = Replica, Quorum = NamesOther, Rank = 2 };
        Assert.Equal("rank", PublishPolicy.Decide(facts with { NamedFor = TimeSpan.FromSeconds(9) }).Code);
        Assert.Equal(Other,
            Assert.IsType<PublishDecision.ForAnother>(PublishPolicy.Decide(facts with { NamedFor = TimeSpan.FromSeconds(10) })).Master);
    }

    [Fact]
    public void Without_a_majority_or_agreement_what_stands_stands()
    {
        Assert.Equal("no-majority", Assert.IsType<PublishDecision.Refuse>(PublishPolicy.Decide(Own with { Quorum = NoMajority })).Code);
        Assert.Equal("no-agreement",
            Assert.IsType<PublishDecision.Refuse>(PublishPolicy.Decide(Own with { Quorum = NamesMe with { Named = null } })).Code);
    }

    // A record with it could not be read again, nor anything be published after it.
    [Theory]
    [InlineData((1L << 53) - 1, "own-master")]
    [InlineData(1L << 53, "epoch-not-believable")]
    [InlineData(1L << 62, "epoch-not-believable")]
    [InlineData(long.MaxValue, "epoch-not-believable")]
    public void An_epoch_beyond_reason_is_published_by_nobody(long epoch, string code)
    {
        Assert.Equal(code, PublishPolicy.Decide(Own with { Quorum = NamesMe with { Epoch = epoch } }).Code);
        var another = Own with { Server = Replica, Quorum = NamesOther with { Epoch = epoch }, NamedFor = TimeSpan.FromHours(1) };
        Assert.Equal(epoch >= 1L << 53, PublishPolicy.Decide(another) is PublishDecision.Refuse);
    }

    [Fact]
    public void Never_below_what_was_accepted_before() => Prop.ForAll(
        (from server in Servers
         from quorum in Quorums
         from accepted in Gen.Choose(0, 6)
         from term in Gen.Choose(0, 3)
         from acceptedTerm in Gen.Choose(0, 3)
         select Own with
         {
             Server = server,
             Quorum = quorum,
             Term = term,
             Accepted = new AcceptedMaster(Other, acceptedTerm, accepted),
             NamedFor = TimeSpan.FromMinutes(1)
         }).ToArbitrary(),
        facts => PublishPolicy.Decide(facts) switch
        {
            PublishDecision.Own own => (own.Term, own.Epoch).CompareTo((facts.Accepted!.Term, facts.Accepted.Epoch)) >= 0
                && facts.Server is OwnServer.Answers { IsMaster: true } && facts.Quorum.Named == Me,
            PublishDecision.ForAnother other => (other.Term, other.Epoch).CompareTo((facts.Accepted!.Term, facts.Accepted.Epoch)) >= 0
                && other.Master == facts.Quorum.Named,
            _ => true,
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Logged_facts_are_read_back_and_lead_to_the_same_decision() => Prop.ForAll(Fences.ToArbitrary(), facts =>
    {
        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(facts, FenceJson.Default.FenceFacts), FenceJson.Default.FenceFacts)!;
        return FencePolicy.Decide(read) == FencePolicy.Decide(facts);
    }).QuickCheckThrowOnFailure();
}
