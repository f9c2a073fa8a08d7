using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Bootstrap.Slots;

public sealed class SlotPolicyTests
{
    private static readonly ClusterId Cluster =
        ClusterId.TryParse("tenant-a/redis", out var id) ? id : throw new InvalidOperationException();
    private static readonly RedisEndpoint Here = new("10.0.0.9", 26379);
    private static readonly SlotTable OneTaken = SlotTable.Empty.With(0, Claim("old"));

    [Theory]
    [InlineData(PodPresence.Gone, HeartbeatTrend.Unknown, AddressAnswer.Silent, true)]
    [InlineData(PodPresence.Gone, HeartbeatTrend.Changing, AddressAnswer.OtherId, true)]
    [InlineData(PodPresence.Gone, HeartbeatTrend.Still, AddressAnswer.ThisId, false)] // force-deleted, process alive
    [InlineData(PodPresence.Gone, HeartbeatTrend.Still, AddressAnswer.NotAsked, false)]
    [InlineData(PodPresence.Terminating, HeartbeatTrend.Still, AddressAnswer.Silent, true)] // dead node: Terminating for ever
    [InlineData(PodPresence.Terminating, HeartbeatTrend.Still, AddressAnswer.ThisId, false)]
    [InlineData(PodPresence.Terminating, HeartbeatTrend.Changing, AddressAnswer.Silent, false)]
    [InlineData(PodPresence.Terminating, HeartbeatTrend.Unknown, AddressAnswer.Silent, false)]
    [InlineData(PodPresence.Present, HeartbeatTrend.Still, AddressAnswer.Silent, false)] // stopped node, pod not deleted
    [InlineData(PodPresence.Unknown, HeartbeatTrend.Still, AddressAnswer.Silent, false)]
    public void A_slot_is_free_only_when_its_pod_is_gone_and_its_address_silent(
        PodPresence pod, HeartbeatTrend heartbeat, AddressAnswer address, bool free)
    {
        var decision = Decide(OneTaken, 1, new SlotFacts(pod, heartbeat, address));
        if (free) Assert.Equal(0, Assert.IsType<SlotDecision.Claim>(decision).Slot);
        else Assert.Contains("slot 0: sentinel-old", Assert.IsType<SlotDecision.Wait>(decision).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void No_facts_free_nothing() => Assert.IsType<SlotDecision.Wait>(Decide(OneTaken, 1, null));

    [Fact]
    public void A_slot_that_nobody_has_is_taken_before_one_that_was_freed() =>
        Assert.Equal(1, Assert.IsType<SlotDecision.Claim>(
            Decide(OneTaken, 2, new SlotFacts(PodPresence.Gone, HeartbeatTrend.Still, AddressAnswer.Silent))).Slot);

    [Fact]
    public void A_pod_keeps_its_slot_over_restarts_with_its_new_address_and_a_raised_heartbeat()
    {
        var keep = Assert.IsType<SlotDecision.Keep>(SlotPolicy.Decide(OneTaken, "old", "sentinel-old", Here, 3, Facts()));
        Assert.Equal((0, Here, 1L), (keep.Slot, keep.Next.Claims[0].Address, keep.Next.Claims[0].Heartbeat));
    }

    [Fact]
    public void A_pod_keeps_a_slot_beyond_the_count_until_it_is_scaled_away() =>
        Assert.Equal(4, Assert.IsType<SlotDecision.Keep>(
            SlotPolicy.Decide(SlotTable.Empty.With(4, Claim("old")), "old", "sentinel-old", Here, 3, Facts())).Slot);

    [Fact]
    public void After_the_table_was_lost_a_running_Sentinel_restores_its_slot_and_a_new_one_leaves_it_alone()
    {
        Assert.Equal(
            2, Assert.IsType<SlotDecision.Claim>(SlotPolicy.Decide(SlotTable.Empty, "old", "s", Here, 3, Facts(), runningAs: 2)).Slot);
        var answering = new SlotFacts(PodPresence.Unknown, HeartbeatTrend.Unknown, AddressAnswer.ThisId);
        var facts = new Dictionary<int, SlotFacts> { [0] = answering, [1] = answering };
        Assert.Equal(2, Assert.IsType<SlotDecision.Claim>(SlotPolicy.Decide(SlotTable.Empty, "new", "s", Here, 3, facts)).Slot);
        facts[2] = answering;
        Assert.IsType<SlotDecision.Wait>(SlotPolicy.Decide(SlotTable.Empty, "new", "s", Here, 3, facts));
    }

    [Fact]
    public void A_running_Sentinel_whose_slot_another_pod_has_stops() =>
        Assert.IsType<SlotDecision.Yield>(SlotPolicy.Decide(OneTaken, "new", "s", Here, 3, Facts(), runningAs: 0));

    [Fact]
    public void The_id_of_a_slot_is_stable_and_differs_between_slots_and_clusters()
    {
        // sha1sum of "tenant-a/redis/0": an id that changed with a release would add ghosts to every group.
        Assert.Equal("be0c3bebf2663c3be3246e4fdf264b8fb024d93f", SlotTable.MyId(Cluster, 0));
        Assert.True(ClusterId.TryParse("tenant-b/redis", out var other));
        Assert.Equal(
            6, new[] { Cluster, other }.SelectMany(c => Enumerable.Range(0, 3).Select(s => SlotTable.MyId(c, s))).Distinct().Count());
    }

    [Fact]
    public void A_table_is_read_as_it_was_written()
    {
        var table = OneTaken.With(2, new SlotClaim("u2", "sentinel-2", new RedisEndpoint("fd00::2", 26379), 41));
        Assert.True(SlotTable.TryRead(table.Apply(Lease(), Cluster), Cluster, out var read, out _));
        Assert.Equal(table.Claims, read.Claims);
        Assert.True(SlotTable.TryRead(Lease(), Cluster, out read, out _));
        Assert.Empty(read.Claims);
    }

    [Theory]
    [InlineData("slot-1", "{}")]
    [InlineData("slot-1", "__SLOT0__")] // the id of another slot
    [InlineData("slot-00", "__SLOT0__")]
    [InlineData("slot-x", "__SLOT0__")]
    [InlineData("slot-32", "__SLOT0__")]
    [InlineData("slot-1", "__SLOT1__")] // the pod of slot 0 once more
    [InlineData("slot-0", null)]
    [InlineData("cluster-id", "tenant-b/redis")]
    [InlineData("format", "9")]
    public void A_table_edited_by_hand_is_a_fault_that_names_the_annotation(string name, string? value)
    {
        var lease = OneTaken.Apply(Lease(), Cluster);
        var slot0 = lease.Annotations[SidecarAnnotations.Prefix + "slot-0"]!;
        value = value switch
        {
            "__SLOT0__" => slot0,
            "__SLOT1__" => slot0.Replace(SlotTable.MyId(Cluster, 0), SlotTable.MyId(Cluster, 1), StringComparison.Ordinal),
            _ => value,
        };
        var annotations = new Dictionary<string, string?>(lease.Annotations) { [SidecarAnnotations.Prefix + name] = value };
        lease = lease with { Metadata = lease.Metadata! with { Annotations = annotations } };

        Assert.False(SlotTable.TryRead(lease, Cluster, out _, out var fault));
        Assert.Equal(SidecarAnnotations.Prefix + name, fault.Annotation);
    }

    [Fact]
    public void A_heartbeat_is_still_only_after_it_was_watched_unchanged_for_the_whole_time()
    {
        var beats = new SlotHeartbeats(1, TimeSpan.FromSeconds(60));
        Assert.Equal(HeartbeatTrend.Unknown, beats.Observe(OneTaken, 1_000)[0]);
        Assert.Equal(HeartbeatTrend.Unknown, beats.Observe(OneTaken, 1_059)[0]);
        var next = OneTaken.With(0, Claim("old") with { Heartbeat = 1 });
        Assert.Equal(HeartbeatTrend.Changing, beats.Observe(next, 1_059)[0]);
        Assert.Equal(HeartbeatTrend.Changing, beats.Observe(next, 1_118)[0]);
        Assert.Equal(HeartbeatTrend.Still, beats.Observe(next, 1_119)[0]);
        Assert.Equal(HeartbeatTrend.Unknown, beats.Observe(OneTaken.With(0, Claim("another")), 1_120)[0]);
    }

    // Pods read, gather facts, decide and write at random moments; some of what they gathered is old or missing by then.
    [Fact]
    public void Under_compare_and_swap_no_slot_ever_has_two_living_holders() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(Gen.Choose(0, 9_999).ListOf(120).ToArbitrary(), script => SlotSimulation.Run(script) is null));

    private static SlotDecision Decide(SlotTable table, int count, SlotFacts? facts) =>
        SlotPolicy.Decide(
            table, "new", "sentinel-new", Here, count, facts is null ? Facts() : new Dictionary<int, SlotFacts> { [0] = facts });

    private static Dictionary<int, SlotFacts> Facts() => [];

    private static SlotClaim Claim(string pod) => new(pod, "sentinel-" + pod, new RedisEndpoint("10.0.0.1", 26379), 0);

    private static LeaseDocument Lease() => LeaseDocument.New("tenant-a", "redis-sentinels");
}
