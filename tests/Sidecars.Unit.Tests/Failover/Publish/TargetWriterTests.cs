using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using Sidecars.Unit.Tests.Core.Kubernetes;
using static Sidecars.Unit.Tests.Failover.Publish.Records.DnsFacts;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>Read, plan, write, over a zone in memory with the rules of the real ones.</summary>
public sealed class TargetWriterTests
{
    private static readonly BackoffSchedule Quick = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
    private readonly DesiredByHand _desired = new();

    [Fact]
    public async Task A_switch_costs_one_call_once_the_record_is_known()
    {
        var zone = new Zone();
        var writer = Over(zone);
        Assert.Equal("first", await PublishAsync(writer, 1, "10.0.0.1"));
        Assert.Equal("newer-token", await PublishAsync(writer, 2, "10.0.0.2"));
        Assert.Equal((1, 2), (zone.Reads, zone.Writes));
        Assert.Equal("10.0.0.2", zone.Address);
    }

    [Fact]
    public async Task Another_address_in_one_epoch_and_the_switch_after_it_cost_one_call_each()
    {
        var zone = new Zone();
        Assert.Equal("first", await PublishAsync(Over(zone), 1, "10.0.0.1"));
        var writer = Over(zone);
        await writer.LookAsync(default);
        var reads = zone.Reads;
        Assert.Equal(new PublishedMaster(new FencingToken(1, 1, 1), "10.0.0.2"),
            (await writer.PublishAsync(Order(1, "10.0.0.2"), _desired, fresh: false, default))!.There);
        Assert.Equal("newer-token", await PublishAsync(writer, 2, "10.0.0.2"));
        Assert.Equal((reads, 3), (zone.Reads, zone.Writes));
    }

    [Fact]
    public async Task What_it_remembers_never_ends_it_by_itself()
    {
        var zone = new Zone();
        var (one, two) = (Over(zone), Over(zone));
        _ = await PublishAsync(one, 1, "10.0.0.1");
        _ = await PublishAsync(two, 5, "10.0.0.5");
        Assert.Equal("superseded", await PublishAsync(one, 1, "10.0.0.1"));
        Assert.Equal("superseded", await PublishAsync(one, 4, "10.0.0.4"));
        Assert.Equal("newer-token", await PublishAsync(one, 6, "10.0.0.6"));
        Assert.Equal("10.0.0.6", zone.Address);
    }

    [Fact]
    public async Task A_lost_response_is_found_to_be_applied()
    {
        var zone = new Zone { LoseResponses = 1 };
        Assert.Equal("up-to-date", await PublishAsync(Over(zone), 1, "10.0.0.1"));
        Assert.Equal(1, zone.Writes);
    }

    [Fact]
    public async Task A_raised_revision_whose_response_is_lost_is_not_raised_again()
    {
        var zone = new Zone();
        _ = await PublishAsync(Over(zone), 1, "10.0.0.1");
        zone.LoseResponses = 1;
        Assert.Equal(new PublishedMaster(new FencingToken(1, 1, 1), "10.0.0.2"),
            (await Over(zone).PublishAsync(Order(1, "10.0.0.2"), _desired, fresh: true, default))!.There);
    }

    [Fact]
    public async Task Failures_are_told_and_outlasted()
    {
        var told = 0;
        Assert.Equal("first", await PublishAsync(Over(new Zone { Failures = 5 }, _ => told++), 1, "10.0.0.1"));
        Assert.Equal(5, told);
    }

    [Fact]
    public async Task Another_desire_ends_a_pause_and_is_tried_at_once()
    {
        var time = new SteppedTime();
        var zone = new Zone { Failures = 1 };
        var writer = new TargetWriter<DnsSnapshot, DnsChange>(
            Target(zone), Cluster, new BackoffSchedule(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)), _ => { }, time, () => 1);
        var first = writer.PublishAsync(Order(1, "10.0.0.1"), _desired, fresh: true, default);
        Assert.False(first.IsCompleted);
        var next = Order(2, "10.0.0.2");
        _desired.Only(next);
        Assert.Null(await first);
        Assert.Equal("first", (await writer.PublishAsync(next, _desired, fresh: false, default))!.Code);
        Assert.Equal(TimeSpan.Zero, TimeSpan.FromTicks(time.GetTimestamp()));
        Assert.Equal("10.0.0.2", zone.Address);
    }

    [Fact]
    public async Task What_the_target_asked_to_wait_is_kept_to_by_another_desire_too()
    {
        var time = new SteppedTime();
        var zone = new Zone { Failures = 1, RetryAfter = TimeSpan.FromSeconds(30) };
        var writer = new TargetWriter<DnsSnapshot, DnsChange>(Target(zone), Cluster, Quick, _ => { }, time, () => 0);
        var first = writer.PublishAsync(Order(1, "10.0.0.1"), _desired, fresh: true, default);
        var next = Order(2, "10.0.0.2");
        _desired.Only(next);
        Assert.Null(await first);
        var second = writer.PublishAsync(next, _desired, fresh: false, default);
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal((1, false), (zone.Reads, second.IsCompleted));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("first", (await second)!.Code);
    }

    [Fact]
    public async Task What_the_target_asked_to_wait_is_kept_to_by_looks_too()
    {
        var time = new SteppedTime();
        var zone = new Zone { Failures = 1, RetryAfter = TimeSpan.FromSeconds(30) };
        var writer = new TargetWriter<DnsSnapshot, DnsChange>(Target(zone), Cluster, Quick, _ => { }, time, () => 0);
        await Assert.ThrowsAsync<IOException>(() => writer.LookAsync(default));
        time.Advance(TimeSpan.FromSeconds(29));
        await Assert.ThrowsAsync<IOException>(() => writer.LookAsync(default));
        var order = writer.PublishAsync(Order(1, "10.0.0.1"), _desired, fresh: false, default);
        Assert.Equal((1, false), (zone.Reads, order.IsCompleted));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("first", (await order)!.Code);
        Assert.Equal("10.0.0.1", (await writer.LookAsync(default))!.Address);
    }

    [Fact]
    public async Task No_order_is_changed_by_what_it_meets()
    {
        var zone = new Zone();
        _ = await PublishAsync(Over(zone), 1, "10.0.0.1");
        var order = Order(1, "10.0.0.2");
        var (before, desired) = (order with { }, order.Desired with { });
        Assert.Equal(1, (await Over(zone).PublishAsync(order, _desired, fresh: true, default))!.There!.Token.Rev);
        Assert.Equal((before, desired), (order, order.Desired));
        Assert.Equal(0, order.Desired.Token.Rev);
    }

    [Fact]
    public async Task Without_a_proof_no_revision_is_raised()
    {
        var zone = new Zone();
        _ = await PublishAsync(Over(zone), 1, "10.0.0.1");
        _desired.Proof = null;
        Assert.IsType<PublishOutcome.NotVerified>(await Over(zone).PublishAsync(Order(1, "10.0.0.2"), _desired, fresh: true, default));
        Assert.Equal(("10.0.0.1", 1), (zone.Address, zone.Writes));
    }

    [Fact]
    public async Task A_proof_of_another_process_is_none()
    {
        var zone = new Zone();
        _ = await PublishAsync(Over(zone), 1, "10.0.0.1");
        _desired.Proof = new RoleProof("another", 0);
        Assert.NotEqual("newer-token", (await Over(zone).PublishAsync(Order(1, "10.0.0.2"), _desired, fresh: true, default))!.Code);
        Assert.Equal(1, zone.Writes);
    }

    [Fact]
    public async Task Whoever_is_overtaken_again_and_again_stops_raising()
    {
        var zone = new Zone();
        _ = await PublishAsync(Over(zone), 1, "10.0.0.1");
        zone.Overtake = true;
        Assert.IsType<PublishOutcome.Contested>(await Over(zone).PublishAsync(Order(1, "10.0.0.2"), _desired, fresh: true, default));
        Assert.Equal("10.0.0.9", zone.Address);
    }

    [Fact]
    public async Task Cancelling_ends_it()
    {
        using var stop = new CancellationTokenSource();
        var writer = Over(new Zone { Failures = int.MaxValue }, _ => stop.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => writer.PublishAsync(Order(1, "10.0.0.1"), _desired, fresh: false, stop.Token));
    }

    private static ClusterId Cluster { get; } = State(1, 1, "10.0.0.1").Cluster;

    private static DnsRecordTarget Target(IDnsRecordStore zone) => new("zone", Name, 5, zone);

    private static TargetWriter<DnsSnapshot, DnsChange> Over(IDnsRecordStore zone, Action<TargetFailure>? failed = null) =>
        new(Target(zone), Cluster, Quick, failed ?? (_ => { }), TimeProvider.System, () => 0);

    private async Task<string> PublishAsync(TargetWriter<DnsSnapshot, DnsChange> writer, long epoch, string address) =>
        (await writer.PublishAsync(Order(epoch, address), _desired, fresh: false, default))!.Code;

    private static PublishOrder Order(long epoch, string address)
    {
        var own = new DesiredMaster.Own(
            new RedisEndpoint(address, 6379), new FencingToken(1, epoch, 0), new MasterAddresses(address, null), DesiredByHand.Seen, 0);
        return new PublishOrder(own, own.Addresses, own.Role);
    }

    /// <summary>Everything is wanted until only one order is; and proven, where there is a proof.</summary>
    private sealed class DesiredByHand : IDesiredMasters
    {
        public static readonly RoleProof Seen = new("run-id", 0);
        private PublishOrder? _only;

        public Signal Changed { get; } = new();

        public RoleProof? Proof { get; set; } = Seen;

        public void Only(PublishOrder order)
        {
            _only = order;
            Changed.Raise();
        }

        public bool IsWanted(PublishOrder order) => _only is null || ReferenceEquals(order, _only);

        public Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation) => Task.FromResult(Proof);

        public RoleProof? RecentProof(DesiredMaster desired) => Proof;
    }

    private sealed class Zone : IDnsRecordStore
    {
        private readonly ZoneFileDocument _zone = ZoneFileDocument.Parse("");

        public int Reads { get; private set; }

        public int Writes { get; private set; }

        public int Failures { get; set; }

        public TimeSpan? RetryAfter { get; set; }

        public int LoseResponses { get; set; }

        /// <summary>Before each write another one raises the revision for itself.</summary>
        public bool Overtake { get; set; }

        public string Description => "a zone in memory";

        public string? Address => _zone.SetsAt(Name).SingleOrDefault()?.Values[0];

        public Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation)
        {
            Reads++;
            return Task.FromResult<TargetResult<DnsSnapshot>>(Failures-- > 0
                ? new TargetResult<DnsSnapshot>.Failed(new TargetFailure(TargetFailureKind.Throttled, "slow down", RetryAfter))
                : new TargetResult<DnsSnapshot>.Done(new DnsSnapshot(_zone.SetsAt(name, ownerName))));
        }

        public Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation)
        {
            Writes++;
            if (Overtake)
            {
                var there = DnsPublishPolicy.Published("_redis-master." + Name, new DnsSnapshot(_zone.SetsAt("_redis-master." + Name)))!;
                var other = Publication(there.Token.Term, there.Token.Epoch, "10.0.0.9", rev: there.Token.Rev + 1);
                Assert.Null(_zone.Apply(new DnsChange(_zone.SetsAt(Name, "_redis-master." + Name), [other.OwnerSet, other.AddressSet])));
            }

            if (_zone.Apply(change) is { } conflict)
                return Task.FromResult<TargetResult<string>>(
                    new TargetResult<string>.Failed(new TargetFailure(TargetFailureKind.Conflict, conflict)));
            return Task.FromResult<TargetResult<string>>(LoseResponses-- > 0
                ? new TargetResult<string>.Failed(new TargetFailure(TargetFailureKind.Unavailable, "no answer"))
                : new TargetResult<string>.Done("1"));
        }

        public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);
    }
}
