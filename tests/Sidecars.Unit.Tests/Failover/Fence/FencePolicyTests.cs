using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Fence;

public sealed class FencePolicyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3.9);
    private static readonly OwnServer.Answers Fenced = Master with { MinReplicas = WriteFence.MinReplicas };

    // Clients that are cut would be sent to the stranger, before the Sentinels are told back.
    [Fact]
    public void A_master_from_which_the_Sentinels_were_led_to_a_stranger_stays_open_while_they_are_told_back_and_no_longer()
    {
        var led = Healthy with { Quorum = NamesOther };
        Assert.Equal("open-unconfirmed", FencePolicy.Decide(led with { LedAwayFor = TimeSpan.FromTicks(1) }).Code);
        Assert.Equal(
            "open-unconfirmed", FencePolicy.Decide(led with { LedAwayFor = FencePolicy.TellingBack - TimeSpan.FromTicks(1) }).Code);
        AssertFence("higher-epoch", led with { LedAwayFor = FencePolicy.TellingBack });
        AssertFence("higher-epoch", led);
        // What else contradicts it does so all the same.
        AssertFence("being-replaced", led with
        { LedAwayFor = TimeSpan.FromTicks(1), Replacement = new Replacement(new RedisEndpoint("10.0.1.1", 26379), "select_slave") });
    }

    [Fact]
    public void Without_an_address_of_its_own_no_name_counts_for_or_against_a_master_and_isolation_does()
    {
        var blind = Healthy with { Address = null };
        var aMinute = TimeSpan.FromMinutes(1);
        Assert.Equal("address-unknown", FencePolicy.Decide(blind).Code);
        Assert.IsType<FenceDecision.Keep>(FencePolicy.Decide(
            blind with { Quorum = NamesOther, ContradictedFor = aMinute, Superseded = "another", ImpostorFor = aMinute }));
        Assert.IsType<FenceDecision.Keep>(FencePolicy.Decide(blind with { Quorum = NamesMe with { Named = null } }));
        // Nor is a fence lifted.
        Assert.Equal(
            "fenced-unconfirmed", FencePolicy.Decide(blind with { Server = Master with { MinReplicas = WriteFence.MinReplicas } }).Code);
        Assert.Equal("isolated", Assert.IsType<FenceDecision.Fence>(FencePolicy.Decide(
            blind with { Server = Master with { FreshReplicas = 0 }, Quorum = NoMajority, IsolatedFor = aMinute })).Code);
    }

    [Fact]
    public void A_confirmed_master_stays_open() => Assert.Equal("open", FencePolicy.Decide(Healthy).Code);

    [Fact]
    public void A_zombie_is_fenced_at_the_first_look() =>
        AssertFence("higher-epoch", Healthy with { Quorum = NamesOther });

    [Fact]
    public void A_majority_that_names_another_in_the_same_epoch_is_waited_for_and_then_believed()
    {
        var facts = Healthy with { Quorum = NamesOther with { Epoch = 3 } };
        Assert.Equal("open-unconfirmed", FencePolicy.Decide(facts with { ContradictedFor = Short }).Code);
        AssertFence("not-confirmed", facts with { ContradictedFor = Long });
    }

    [Fact]
    public void All_Sentinels_may_restart_while_every_replica_is_attached() =>
        Assert.Equal("open-unconfirmed", FencePolicy.Decide(Healthy with { Quorum = NoMajority, IsolatedFor = Long }).Code);

    [Fact]
    public void Without_a_majority_and_without_one_replica_it_is_isolated()
    {
        var facts = Healthy with { Quorum = NoMajority, Server = Master with { FreshReplicas = 1 } };
        Assert.Equal("open-unconfirmed", FencePolicy.Decide(facts with { IsolatedFor = Short }).Code);
        AssertFence("isolated", facts with { IsolatedFor = Long });
    }

    [Fact]
    public void Of_two_nodes_the_one_without_its_replica_and_majority_is_fenced_though_min_replicas_is_0() =>
        AssertFence("isolated", Healthy with
        {
            RedisCount = 2,
            ConfiguredMinReplicas = 0,
            Quorum = NoMajority,
            Server = Master with { FreshReplicas = 0, MinReplicas = 0 },
            IsolatedFor = Long
        });

    [Fact]
    public void A_lone_node_is_never_isolated() =>
        Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(
            Healthy with { RedisCount = 1, Quorum = NoMajority, Server = Master with { FreshReplicas = 0 }, IsolatedFor = Long }));

    [Fact]
    public void An_address_that_leads_to_another_process_fences_though_the_majority_names_it() =>
        AssertFence("address-is-another", Healthy with { ImpostorFor = Long });

    [Fact]
    public void A_hand_over_that_Sentinel_has_not_seen_is_no_contradiction() =>
        Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(
            Healthy with { Quorum = NamesOther with { Epoch = 3 }, NamedFollowsMe = true, ContradictedFor = Long, ConfirmedEpoch = null }));

    [Fact]
    public void A_higher_token_elsewhere_fences_who_is_not_confirmed()
    {
        AssertFence("higher-token", Healthy with { Quorum = NoMajority, Superseded = "redis-1 serves" });
        Assert.IsType<FenceDecision.Keep>(FencePolicy.Decide(Healthy with { Superseded = "redis-1 serves" }));
    }

    [Fact]
    public void Where_the_value_cannot_be_read_the_fence_is_tried_all_the_same_and_lifted_again()
    {
        var blind = Healthy with { Server = Master with { MinReplicas = null } };
        Assert.Equal("value-unknown", Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(blind)).Code);
        var fence = Assert.IsType<FenceDecision.Fence>(FencePolicy.Decide(blind with { Quorum = NamesOther }));
        Assert.Equal("higher-epoch", fence.Code);
        Assert.Contains("CONFIG GET", fence.Reason, StringComparison.Ordinal);
        var fenced = blind with { FencedUnseen = true };
        Assert.Equal("fenced-unseen", Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(fenced with { Quorum = NamesOther })).Code);
        Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(fenced));
        Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(fenced with { Doubt = "another is about to be promoted" }));
        Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(fenced with { Quorum = NoMajority }));
        Assert.IsType<FenceDecision.Refuse>(
            FencePolicy.Decide(blind with { Server = Master with { MinReplicas = null, IsMaster = false }, Quorum = NamesOther }));
    }

    [Fact]
    public void Only_a_majority_lifts()
    {
        var fenced = Healthy with { Server = Master with { MinReplicas = WriteFence.MinReplicas } };
        Assert.Equal("confirmed", Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(fenced)).Code);
        Assert.Equal("fenced-unconfirmed", FencePolicy.Decide(fenced with { Quorum = NoMajority }).Code);
        Assert.Equal("fenced-unconfirmed", FencePolicy.Decide(fenced with { Quorum = NamesMe with { RunIds = [OtherRunId] } }).Code);
    }

    [Fact]
    public void A_master_that_is_being_replaced_is_fenced_though_a_majority_still_names_it()
    {
        var replaced = Healthy with { Replacement = new Replacement(Executor, "send_slaveof_noone") };
        AssertFence("being-replaced", replaced);
        Assert.Equal("fenced", FencePolicy.Decide(replaced with { Server = Fenced }).Code);
        Assert.Equal("confirmed", Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(Healthy with { Server = Fenced })).Code);
    }

    [Fact]
    public void A_stopped_master_that_is_being_replaced_is_fenced_so_that_it_wakes_fenced()
    {
        var silent = Healthy with { Server = new OwnServer.Silent("hangs"), WasMaster = true };
        AssertFence("being-replaced", silent with { Replacement = new Replacement(Executor, "wait_promotion") });
        AssertFence("higher-epoch", silent with { Quorum = NamesOther });
        // What is silent may be a server that turns this process away, with every replica attached.
        Assert.Equal("server-silent", FencePolicy.Decide(silent with { Quorum = NoMajority, IsolatedFor = Long }).Code);
        Assert.Equal("server-silent", FencePolicy.Decide(silent).Code);
        Assert.Equal("server-silent", FencePolicy.Decide(silent with { Quorum = NamesOther, WasMaster = false }).Code);
    }

    [Fact]
    public void Nothing_lifts_while_a_Sentinel_may_be_about_to_promote_another()
    {
        var fenced = Healthy with { Server = Fenced };
        Assert.Equal("fenced-doubted", FencePolicy.Decide(fenced with { Doubt = "o_down" }).Code);
        var oneIsMissing = fenced with { Quorum = NamesMe with { IsComplete = false } };
        Assert.Equal("fenced-doubted", FencePolicy.Decide(oneIsMissing with { ConfirmedFor = TimeSpan.FromSeconds(1.9) }).Code);
        Assert.Equal("confirmed", FencePolicy.Decide(oneIsMissing with { ConfirmedFor = TimeSpan.FromSeconds(2) }).Code);
        Assert.Equal("open", FencePolicy.Decide(Healthy with { Doubt = "o_down" }).Code); // a doubt alone fences nobody
    }

    [Theory]
    [InlineData(WriteFence.MinReplicas, "fenced-doubted")]
    [InlineData(WriteFence.StepDown, "step-down-unconfirmed")]
    public void What_a_server_gave_up_only_a_later_epoch_gives_back(long value, string kept)
    {
        var gaveUp = Healthy with
        {
            Server = Master with { MinReplicas = value },
            GivenUp = new GivenUp(8, "it gave up for B in epoch 8"),
            ValueUnchangedFor = TimeSpan.FromMinutes(5),
            ConfirmedFor = TimeSpan.FromMinutes(5)
        };
        foreach (var epoch in (long[])[3, 7, 8])
        {
            var decision = FencePolicy.Decide(gaveUp with { Quorum = NamesMe with { Epoch = epoch } });
            Assert.Equal(kept, Assert.IsType<FenceDecision.Refuse>(decision).Code);
        }

        Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(gaveUp with { Quorum = NamesMe with { Epoch = 9 } }));
        // Nor does a later epoch that names another.
        Assert.IsNotType<FenceDecision.Lift>(FencePolicy.Decide(gaveUp with { Quorum = NamesOther with { Epoch = 9 } }));
    }

    [Fact]
    public void A_fence_that_cannot_be_seen_is_not_lifted_against_a_giving_up_either()
    {
        var unseen = Healthy with
        { Server = Master with { MinReplicas = null }, FencedUnseen = true, GivenUp = new GivenUp(8, "it gave up for B in epoch 8") };
        Assert.IsType<FenceDecision.Refuse>(FencePolicy.Decide(unseen));
        Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(unseen with { Quorum = NamesMe with { Epoch = 9 } }));
    }

    [Fact]
    public void A_giving_up_alone_fences_nobody_and_one_that_cannot_be_read_is_of_every_epoch()
    {
        Assert.Equal("open", FencePolicy.Decide(Healthy with { GivenUp = new GivenUp(8, "it gave up") }).Code);
        var torn = GivenUp.Of(DiskFact<GivingUp>.Unreadable(new FileFault(FileFaultKind.Torn, "empty")));
        Assert.Equal(long.MaxValue, torn!.Epoch);
        Assert.Equal(8, GivenUp.Of(DiskFact<GivingUp>.Known(new GivingUp(Other, OtherRunId, 8)))!.Epoch);
        Assert.Null(GivenUp.Of(DiskFact<GivingUp>.Absent));
    }

    [Fact]
    public void Never_lifted_on_a_master_by_an_epoch_in_which_it_had_given_up() => Prop.ForAll(
        (from facts in Fences
         from epoch in Gen.Choose(0, 6)
         select facts with { GivenUp = new GivenUp(epoch, "it gave up") }).ToArbitrary(),
        facts => FencePolicy.Decide(facts) is not FenceDecision.Lift || facts.Server is OwnServer.Answers { IsMaster: false }
            || facts.Quorum.Epoch > facts.GivenUp!.Epoch)
        .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void A_fence_that_max_lag_0_switches_off_is_set_again() =>
        AssertFence("higher-epoch",
            Healthy with { Quorum = NamesOther, Server = Master with { MinReplicas = WriteFence.MinReplicas, MaxLag = 0 } });

    [Fact]
    public void The_value_of_a_step_down_is_left_alone_for_30_seconds_and_restored_then()
    {
        var facts = Healthy with { Server = Master with { MinReplicas = WriteFence.StepDown } };
        Assert.Equal("step-down", FencePolicy.Decide(facts with { ValueUnchangedFor = TimeSpan.FromSeconds(29) }).Code);
        Assert.Equal("step-down-left-behind",
            Assert.IsType<FenceDecision.Lift>(FencePolicy.Decide(facts with { ValueUnchangedFor = TimeSpan.FromSeconds(30) })).Code);
        Assert.Equal("step-down-unconfirmed",
            FencePolicy.Decide(facts with { Quorum = NoMajority, ValueUnchangedFor = TimeSpan.FromSeconds(60) }).Code);
    }

    [Fact]
    public void What_a_person_fenced_a_person_lifts() =>
        Assert.Equal("fenced-by-hand", FencePolicy.Decide(Healthy with { Server = Master with { MinReplicas = 9999 } }).Code);

    [Fact]
    public void A_replica_does_not_keep_the_fence_that_its_demotion_persisted() =>
        Assert.Equal("replica-reconciled", Assert.IsType<FenceDecision.Lift>(
            FencePolicy.Decide(Healthy with { Quorum = NamesOther, Server = Replica with { MinReplicas = WriteFence.MinReplicas } })).Code);

    [Fact]
    public void Silence_changes_nothing() =>
        Assert.All((OwnServer[])[new OwnServer.Silent("hangs"), new OwnServer.Dead(RunId, true)],
            server => Assert.IsType<FenceDecision.Keep>(
                FencePolicy.Decide(Healthy with { Quorum = NamesOther, ContradictedFor = Long, Server = server })));

    [Fact]
    public void Never_lifted_on_a_master_without_a_majority_that_names_it() => Prop.ForAll(Fences.ToArbitrary(), facts =>
        FencePolicy.Decide(facts) is not FenceDecision.Lift || facts.Server is OwnServer.Answers { IsMaster: false }
        || (facts.Quorum.HasMajority && facts.Quorum.Named == Me && facts.ImpostorFor == TimeSpan.Zero && facts.Replacement is null
            && facts.Doubt is null))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Never_fenced_while_a_majority_confirms_this_process() => Prop.ForAll(Fences.ToArbitrary(), facts =>
        FencePolicy.Decide(facts) is not FenceDecision.Fence || facts.Replacement is not null || facts.Quorum.Named != Me
        || facts.ImpostorFor > TimeSpan.Zero
        || (facts.Superseded is not null && !facts.Quorum.RunIds.IsEmpty && !facts.Quorum.RunIds.Contains(RunId)))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Ignorance_never_fences() => Prop.ForAll(Fences.ToArbitrary(), facts =>
        FencePolicy.Decide(facts with
        {
            Quorum = NoMajority,
            Superseded = null,
            Replacement = null,
            ImpostorFor = TimeSpan.Zero,
            Server = facts.Server is OwnServer.Answers a ? a with { FreshReplicas = 2 } : facts.Server
        })
            is not FenceDecision.Fence).QuickCheckThrowOnFailure();

    [Fact]
    public void A_fence_that_stands_is_not_set_again() => Prop.ForAll(Fences.ToArbitrary(), facts =>
        facts.Server is not OwnServer.Answers { MinReplicas: WriteFence.MinReplicas, MaxLag: > 0 }
        || FencePolicy.Decide(facts) is not FenceDecision.Fence)
        .QuickCheckThrowOnFailure();

    private static void AssertFence(string code, FenceFacts facts) =>
        Assert.Equal(code, Assert.IsType<FenceDecision.Fence>(FencePolicy.Decide(facts)).Code);
}
