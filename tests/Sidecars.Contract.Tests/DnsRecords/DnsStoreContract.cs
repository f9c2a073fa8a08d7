using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Contract.Tests.DnsRecords;

/// <summary>What the publisher relies on, held against every zone there is.</summary>
public abstract class DnsStoreContract : IAsyncLifetime
{
    protected const string Name = "redis.tenant.example.org";
    private const string Owner = "_redis-master." + Name;
    private static readonly BackoffSchedule Quick = new(TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(40));

    public abstract Task InitializeAsync();

    public abstract Task DisposeAsync();

    /// <summary>Another view of the same zone: what another sidecar has.</summary>
    protected abstract IDnsRecordStore Open();

    [Fact]
    public async Task What_is_not_there_is_known_to_be_absent() => Assert.Empty((await SnapshotAsync()).Sets);

    [Fact]
    public async Task A_batch_is_read_back_as_it_was_written()
    {
        DnsRecordSet[] sets = [Set(Name, "A", "10.0.0.1"), Set(Name, "AAAA", "2001:db8::1", 60),
            Set(Owner, "TXT", $"\"{new string('x', 255)}\" \"y;z=1\""), Set("alias." + Name, "CNAME", "host.example.org")];
        Applied(await ApplyAsync([], [.. sets]));
        Assert.Equal(Texts(sets[..3]), Texts((await SnapshotAsync()).Sets));
        Assert.Equal(Texts(sets[3..]), Texts((await SnapshotAsync("alias." + Name)).Sets));
    }

    [Fact]
    public async Task A_deletion_that_is_not_exact_is_a_conflict_and_changes_nothing()
    {
        var there = Set(Name, "A", "10.0.0.1");
        Applied(await ApplyAsync([], there));
        foreach (var almost in new[]
        { Set(Name, "A", "10.0.0.2"), Set(Name, "A", "10.0.0.1", 6), Set(Name, "AAAA", "::1"), Set("other.example.org", "A", "10.0.0.1") })
        {
            Conflicts(await ApplyAsync([almost], Set(Owner, "TXT", "\"new\"")));
            Conflicts(await ApplyAsync([there, almost]));
        }

        Assert.Equal(Texts(there), Texts((await SnapshotAsync()).Sets));
    }

    [Fact]
    public async Task A_creation_that_meets_something_is_a_conflict_and_changes_nothing()
    {
        var there = Set(Name, "A", "10.0.0.1");
        Applied(await ApplyAsync([], there));
        Conflicts(await ApplyAsync([], Set(Owner, "TXT", "\"new\""), there));
        Conflicts(await ApplyAsync([], Set(Owner, "TXT", "\"new\""), Set(Name, "A", "10.0.0.2", 60)));
        Assert.Equal(Texts(there), Texts((await SnapshotAsync()).Sets));
    }

    [Fact]
    public async Task One_batch_deletes_and_creates_the_same_name_and_leaves_others_alone()
    {
        var (old, other) = (Set(Name, "A", "10.0.0.1"), Set("redis.tenant-2.example.org", "A", "10.0.0.9"));
        Applied(await ApplyAsync([], old, other));
        Applied(await ApplyAsync([old], Set(Name, "A", "10.0.0.2")));
        Assert.Equal(Texts(Set(Name, "A", "10.0.0.2")), Texts((await SnapshotAsync()).Sets));
        Assert.Equal(Texts(other), Texts((await SnapshotAsync("redis.tenant-2.example.org")).Sets));
    }

    [Fact]
    public async Task Of_many_who_read_the_same_exactly_one_writes()
    {
        var old = Set(Name, "A", "10.0.0.1");
        Applied(await ApplyAsync([], old));
        var writes = await Task.WhenAll(Enumerable.Range(2, 8).Select(async i =>
        {
            // Busy (another's change under way, a lock that is held) is no answer yet.
            while (true)
            {
                var write = await Open().ApplyAsync(new DnsChange([old], [Set(Name, "A", $"10.0.0.{i}")]), default);
                if (write is not TargetResult<string>.Failed { Failure.Kind: not TargetFailureKind.Conflict }) return write;
                await Task.Delay(2);
            }
        }));
        Assert.Single(writes.OfType<TargetResult<string>.Done>());
        Assert.Equal(7, writes.OfType<TargetResult<string>.Failed>().Count());
    }

    [Fact]
    public async Task Writers_in_any_order_end_with_the_newest_token_and_never_go_back()
    {
        var highest = FencingToken.None;
        using var watching = new CancellationTokenSource();
        var watch = Task.Run(async () =>
        {
            while (!watching.IsCancellationRequested)
            {
                if (await Open().ReadAsync(Name, Owner, default) is TargetResult<DnsSnapshot>.Done { Value: var zone }
                    && zone.Sets.SingleOrDefault(set => set.Type == "TXT") is { } txt)
                {
                    Assert.True(DnsRecordDocument.TryParse(txt.Values[0], out var state, out _));
                    Assert.True(state.Token >= highest, $"{state.Token} after {highest}");
                    highest = state.Token;
                    Assert.Equal(state.Target.Value, zone.Sets.Single(set => set.Type == "A").Values[0]);
                }

                await Task.Delay(1);
            }
        });
        var random = new Random(1);
        var decisions = await Task.WhenAll(Enumerable.Range(1, 12).OrderBy(_ => random.Next()).Select(epoch => PublishAsync(epoch)));
        await watching.CancelAsync();
        await watch;
        Assert.All(
            decisions, decision => Assert.True(decision is PublishOutcome.Written or PublishOutcome.Superseded, decision.ToString()));
        Assert.Equal("10.0.0.12", (await SnapshotAsync()).Sets.Single(set => set.Type == "A").Values[0]);
    }

    [Fact]
    public async Task A_writer_that_was_stopped_before_its_write_changes_nothing_when_it_wakes()
    {
        _ = await PublishAsync(1);
        var asleep = Assert.IsType<TargetPlan<DnsChange>.Write>(DnsPublishPolicy.Decide(Publication(2), await SnapshotAsync()));
        _ = await PublishAsync(3);
        Conflicts(await Open().ApplyAsync(asleep.Change, default));
        _ = Assert.IsType<PublishOutcome.Superseded>(await PublishAsync(2));
        Assert.Equal("10.0.0.3", (await SnapshotAsync()).Sets.Single(set => set.Type == "A").Values[0]);
    }

    [Fact]
    public async Task A_record_of_somebody_else_is_refused_and_stays()
    {
        var foreign = Set(Name, "A", "192.0.2.1", 300);
        Applied(await ApplyAsync([], foreign));
        Assert.Equal("record-not-ours", Assert.IsType<PublishOutcome.Refused>(await PublishAsync(9)).Code);
        Assert.Equal(Texts(foreign), Texts((await SnapshotAsync()).Sets));
    }

    protected static DnsPublication Publication(long epoch)
    {
        Assert.True(ClusterId.TryParse("tenant/redis", out var cluster));
        Assert.True(DnsTarget.TryParse($"10.0.0.{epoch}", out var target));
        return new DnsPublication
        { Name = Name, State = new DnsRecordState { Cluster = cluster, Token = new FencingToken(1, epoch, 0), Target = target } };
    }

    protected async Task<PublishOutcome> PublishAsync(long epoch, List<TargetFailure>? failures = null)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await PublishAsync(Writer(Note), epoch, fresh: false, patience.Token);

        void Note(TargetFailure failure)
        {
            if (failures is null) return;
            lock (failures) failures.Add(failure);
        }
    }

    protected static async Task<PublishOutcome> PublishAsync(
        ITargetWriter writer, long epoch, bool fresh, CancellationToken cancellation = default)
    {
        var addresses = new MasterAddresses($"10.0.0.{epoch}", null);
        var own = new DesiredMaster.Own(
            new RedisEndpoint($"10.0.0.{epoch}", 6379), new FencingToken(1, epoch, 0), addresses, new RoleProof("", 0), 0);
        return (await writer.PublishAsync(new PublishOrder(own, addresses, own.Role), new AlwaysDesired(), fresh, cancellation))!;
    }

    /// <summary>A sidecar's writer, which remembers what it saw.</summary>
    protected ITargetWriter Writer(Action<TargetFailure>? failed = null) => new TargetWriter<DnsSnapshot, DnsChange>(
        new DnsRecordTarget("zone", Name, DnsPublication.DefaultTtlSeconds, Open()), Publication(1).State.Cluster, Quick,
        failed ?? (_ => { }), TimeProvider.System, Random.Shared.NextDouble);

    protected async Task<DnsSnapshot> SnapshotAsync(string name = Name) =>
        Assert.IsType<TargetResult<DnsSnapshot>.Done>(await Open().ReadAsync(name, "_redis-master." + name, default)).Value;

    protected static DnsRecordSet Set(string name, string type, string value, long ttl = 5) =>
        new() { Name = name, Type = type, TtlSeconds = ttl, Values = [value] };

    private Task<TargetResult<string>> ApplyAsync(ImmutableArray<DnsRecordSet> deletes, params ImmutableArray<DnsRecordSet> creates) =>
        Open().ApplyAsync(new DnsChange(deletes, creates), default);

    protected static string Applied(TargetResult<string> write) => Assert.IsType<TargetResult<string>.Done>(write).Value;

    protected static TargetFailureKind Failed(TargetResult<string> write) => Assert.IsType<TargetResult<string>.Failed>(write).Failure.Kind;

    private static void Conflicts(TargetResult<string> write) => Assert.Equal(TargetFailureKind.Conflict, Failed(write));

    private static IEnumerable<string> Texts(params IEnumerable<DnsRecordSet> sets) =>
        sets.Select(set => set.ToString()).Order(StringComparer.Ordinal);

    private sealed class AlwaysDesired : IDesiredMasters
    {
        public Signal Changed { get; } = new();

        public bool IsWanted(PublishOrder order) => true;

        public Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation) => Task.FromResult<RoleProof?>(null);

        public RoleProof? RecentProof(DesiredMaster desired) => null;
    }
}
