using System.Collections.Immutable;
using Sidecars.Core.Primitives;
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
        DnsRecordSet[] sets = [Set(Name, "A", "10.0.0.1"), Set(Name, "AAAA", "2001:db8::1", 60), Set(Owner, "TXT", $"\"{new string('x', 255)}\" \"y;z=1\""), Set("alias." + Name, "CNAME", "host.example.org")];
        Applied(await ApplyAsync([], [.. sets]));
        Assert.Equal(Texts(sets[..3]), Texts((await SnapshotAsync()).Sets));
        Assert.Equal(Texts(sets[3..]), Texts((await SnapshotAsync("alias." + Name)).Sets));
    }

    [Fact]
    public async Task A_deletion_that_is_not_exact_is_a_conflict_and_changes_nothing()
    {
        var there = Set(Name, "A", "10.0.0.1");
        Applied(await ApplyAsync([], there));
        foreach (var almost in new[] { Set(Name, "A", "10.0.0.2"), Set(Name, "A", "10.0.0.1", 6), Set(Name, "AAAA", "::1"), Set("other.example.org", "A", "10.0.0.1") })
        {
            _ = Assert.IsType<DnsWrite.Conflict>(await ApplyAsync([almost], Set(Owner, "TXT", "\"new\"")));
            _ = Assert.IsType<DnsWrite.Conflict>(await ApplyAsync([there, almost]));
        }

        Assert.Equal(Texts(there), Texts((await SnapshotAsync()).Sets));
    }

    [Fact]
    public async Task A_creation_that_meets_something_is_a_conflict_and_changes_nothing()
    {
        var there = Set(Name, "A", "10.0.0.1");
        Applied(await ApplyAsync([], there));
        _ = Assert.IsType<DnsWrite.Conflict>(await ApplyAsync([], Set(Owner, "TXT", "\"new\""), there));
        _ = Assert.IsType<DnsWrite.Conflict>(await ApplyAsync([], Set(Owner, "TXT", "\"new\""), Set(Name, "A", "10.0.0.2", 60)));
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
                if (write is not DnsWrite.Failed) return write;
                await Task.Delay(2);
            }
        }));
        Assert.Single(writes.OfType<DnsWrite.Applied>());
        Assert.Equal(7, writes.OfType<DnsWrite.Conflict>().Count());
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
                if (await Open().ReadAsync(Name, Owner, default) is DnsRead.Known { Snapshot: var zone } && zone.Sets.SingleOrDefault(set => set.Type == "TXT") is { } txt)
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
        Assert.All(decisions, decision => Assert.True(decision is DnsDecision.Publish or DnsDecision.Superseded, decision.ToString()));
        Assert.Equal("10.0.0.12", (await SnapshotAsync()).Sets.Single(set => set.Type == "A").Values[0]);
    }

    [Fact]
    public async Task A_writer_that_was_stopped_before_its_write_changes_nothing_when_it_wakes()
    {
        _ = await PublishAsync(1);
        var asleep = Assert.IsType<DnsDecision.Publish>(DnsPublishPolicy.Decide(Publication(2), await SnapshotAsync()));
        _ = await PublishAsync(3);
        _ = Assert.IsType<DnsWrite.Conflict>(await Open().ApplyAsync(asleep.Change, default));
        _ = Assert.IsType<DnsDecision.Superseded>(await PublishAsync(2));
        Assert.Equal("10.0.0.3", (await SnapshotAsync()).Sets.Single(set => set.Type == "A").Values[0]);
    }

    [Fact]
    public async Task A_record_of_somebody_else_is_refused_and_stays()
    {
        var foreign = Set(Name, "A", "192.0.2.1", 300);
        Applied(await ApplyAsync([], foreign));
        Assert.Equal("record-not-ours", Assert.IsType<DnsDecision.Refuse>(await PublishAsync(9)).Code);
        Assert.Equal(Texts(foreign), Texts((await SnapshotAsync()).Sets));
    }

    protected static DnsPublication Publication(long epoch)
    {
        Assert.True(ClusterId.TryParse("tenant/redis", out var cluster));
        Assert.True(DnsTarget.TryParse($"10.0.0.{epoch}", out var target));
        return new DnsPublication { Name = Name, State = new DnsRecordState { Cluster = cluster, Token = new FencingToken(1, epoch, 0), Target = target } };
    }

    protected async Task<DnsDecision> PublishAsync(long epoch, List<DnsFailure>? failures = null)
    {
        var publisher = new DnsPublisher(Open(), Quick, TimeProvider.System, Random.Shared.NextDouble) { OnFailure = Note };
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return (await publisher.PublishAsync(() => Publication(epoch), fresh: false, patience.Token))!.Value.Decision;

        void Note(DnsFailure failure)
        {
            if (failures is null) return;
            lock (failures) failures.Add(failure);
        }
    }

    protected async Task<DnsSnapshot> SnapshotAsync(string name = Name) =>
        Assert.IsType<DnsRead.Known>(await Open().ReadAsync(name, "_redis-master." + name, default)).Snapshot;

    protected static DnsRecordSet Set(string name, string type, string value, long ttl = 5) => new() { Name = name, Type = type, TtlSeconds = ttl, Values = [value] };

    private Task<DnsWrite> ApplyAsync(ImmutableArray<DnsRecordSet> deletes, params ImmutableArray<DnsRecordSet> creates) => Open().ApplyAsync(new DnsChange(deletes, creates), default);

    private static void Applied(DnsWrite write) => Assert.IsType<DnsWrite.Applied>(write);

    private static IEnumerable<string> Texts(params IEnumerable<DnsRecordSet> sets) => sets.Select(set => set.ToString()).Order(StringComparer.Ordinal);
}
