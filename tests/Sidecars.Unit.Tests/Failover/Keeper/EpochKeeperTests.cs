using System.Text;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Keeper;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Core.Kubernetes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.Keeper;

public sealed class EpochKeeperTests : IDisposable
{
    private static readonly ClusterId Cluster =
        ClusterId.TryParse("tenant-a/redis", out var id) ? id : throw new InvalidOperationException();
    private readonly TempFolder _folder = new("epoch");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_is_raised_once_a_majority_holds_more_and_only_then()
    {
        var raise = Assert.IsType<EpochKeeping.Raise>(Decide(4, Says(1, B, 5), Says(2, B, 5), Dead(3)));
        Assert.Equal((5, B), (raise.Epoch, raise.Master));
        Assert.Equal("epoch-spreading", Assert.IsType<EpochKeeping.Wait>(Decide(4, Says(1, B, 5), Says(2, A, 4), Says(3, A, 4))).Code);
        Assert.Equal("no-majority", Assert.IsType<EpochKeeping.Wait>(Decide(4, Says(1, B, 5), Dead(2), Mute(3))).Code);
        Assert.Equal("failover-in-progress",
            Assert.IsType<EpochKeeping.Wait>(Decide(4, Says(1, B, 5), Says(2, B, 5, "master,failover_in_progress"), Says(3, B, 5))).Code);
        Assert.Equal("sentinel-split", Assert.IsType<EpochKeeping.Wait>(Decide(4, Says(1, B, 5), Says(2, A, 5), Says(3, A, 5))).Code);
        Assert.Equal("no-master", Assert.IsType<EpochKeeping.Wait>(Decide(4, Says(1, null), Says(2, null), Dead(3))).Code);
        Assert.IsType<EpochKeeping.Keep>(Decide(5, Says(1, B, 5), Says(2, B, 5), Says(3, B, 5)));
    }

    [Fact]
    public void What_contradicts_the_kept_epoch_is_refused_and_never_written()
    {
        Assert.Equal("epoch-went-back", Assert.IsType<EpochKeeping.Refuse>(Decide(5, Says(1, B, 0), Says(2, B, 0), Says(3, B, 0))).Code);
        Assert.Equal("epoch-names-another", Assert.IsType<EpochKeeping.Refuse>(
            EpochKeeperPolicy.Decide(new(new EpochReading.Known(5, A), [Says(1, B, 5), Says(2, B, 5)], 3))).Code);
        Assert.Equal("epoch-store-unavailable", Assert.IsType<EpochKeeping.Refuse>(
            EpochKeeperPolicy.Decide(new(new EpochReading.Unavailable("down"), [Says(1, B, 5), Says(2, B, 5)], 3))).Code);
        Assert.Equal(
            "epoch-not-believable", Assert.IsType<EpochKeeping.Refuse>(Decide(5, Says(1, B, 1L << 53), Says(2, B, 1L << 53))).Code);
    }

    [Fact]
    public async Task A_directory_keeps_it_over_processes_and_never_lowers_it()
    {
        var store = new FileEpochStore(_folder.Path);
        Assert.Equal(new EpochReading.Known(0, null), await store.ReadAsync(default));
        Assert.Equal(new EpochReading.Known(5, A), await store.RaiseAsync(5, A, default));
        Assert.Equal(new EpochReading.Known(5, A), await new FileEpochStore(_folder.Path).RaiseAsync(3, B, default));
        Assert.Equal(new EpochReading.Known(5, A), await store.RaiseAsync(5, B, default));
        Assert.Equal(new EpochReading.Known(6, B), await store.RaiseAsync(6, B, default));
        Assert.Equal(new EpochReading.Known(6, B), await store.ReadAsync(default));
    }

    [Fact]
    public async Task Many_that_raise_at_once_leave_the_highest()
    {
        await Task.WhenAll(Enumerable.Range(1, 40).Select(epoch => Task.Run(async () =>
        {
            // Somebody else holds the lock at times: nothing is certain then, and one asks again.
            while (await new FileEpochStore(_folder.Path).RaiseAsync(epoch, A, default) is not EpochReading.Known) await Task.Yield();
        })));
        Assert.Equal(new EpochReading.Known(40, A), await new FileEpochStore(_folder.Path).ReadAsync(default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"epoch":7}""")]
    [InlineData("""{"format":0,"epoch":7}""")]
    [InlineData("""{"format":1,"epoch":-1}""")]
    [InlineData("""{"format":1,"epoch":"7"}""")]
    [InlineData("""{"format":1,"epoch":7.5}""")]
    [InlineData("""{"format":1,"epoch":9007199254740992}""")]
    [InlineData("""{"format":1,"epoch":7,"master":5}""")]
    [InlineData("""{"format":1,"epoch":7,"master":"a:b:c"}""")]
    [InlineData("""{"format":1,"epoch":7,"epoch":8}""")]
    [InlineData("""{"format":1,"epoch":7,"nested":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}""")] // 17 levels
    public async Task A_torn_or_foreign_file_is_unknown_never_0_and_not_overwritten(string content)
    {
        var path = _folder.Write("epoch.json", content);
        var store = new FileEpochStore(_folder.Path);
        Assert.IsType<EpochReading.Unavailable>(await store.ReadAsync(default));
        Assert.IsType<EpochReading.Unavailable>(await store.RaiseAsync(8, A, default));
        Assert.Equal(content, await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task A_newer_format_with_fields_of_its_own_is_read()
    {
        _folder.Write("epoch.json", """{"format":2,"epoch":7,"master":"10.0.0.1:6379","why":"newer"}""");
        Assert.Equal(new EpochReading.Known(7, A), await new FileEpochStore(_folder.Path).ReadAsync(default));
    }

    [Fact]
    public async Task A_file_of_any_length_is_read_to_a_bound()
    {
        await File.WriteAllBytesAsync(
            _folder.File("epoch.json"), Encoding.ASCII.GetBytes(new string(' ', 100_000) + """{"format":1,"epoch":7}"""));
        Assert.IsType<EpochReading.Unavailable>(await new FileEpochStore(_folder.Path).ReadAsync(default));
    }

    [Fact]
    public async Task The_Lease_keeps_it_and_its_holder_is_not_renewed_by_that()
    {
        await using var server = await FakeKubernetesServer.StartAsync();
        using var client = new KubernetesClient(server.Config, TimeProvider.System);
        var group = new GroupLeaseStore(client, Cluster, "redis", TimeProvider.System);
        var store = new LeaseEpochStore(group, Cluster);
        Assert.Equal(new EpochReading.Known(0, null), await store.ReadAsync(default));
        Assert.Contains(
            "does not exist", Assert.IsType<EpochReading.Unavailable>(await store.RaiseAsync(5, A, default)).Why, StringComparison.Ordinal);

        var serving = new ServingMaster(
            "redis-0", "uid-1", A, new FencingToken(1, 4, 0), ReplicationId.TryParse(new string('a', 40), out var id) ? id : default, 0);
        await group.WriteAsync(group.Prepare(
            null, new ElectionRecord { Term = 1, HighestEpoch = 4, LastServing = serving }, "uid-1", TimeSpan.FromSeconds(90)),
            default);
        Assert.Equal(new EpochReading.Known(4, A), await store.ReadAsync(default));
        var before = Spec(await group.ReadAsync(default));
        server.Next(null);
        server.Next(new Fault.Error(503, "ServiceUnavailable") { AfterActing = true }); // written, and not known to be
        Assert.Equal(new EpochReading.Known(5, null), await store.RaiseAsync(5, B, default));
        Assert.Equal(before, Spec(await group.ReadAsync(default)));
        Assert.Equal(new EpochReading.Known(5, null), await store.RaiseAsync(3, A, default));
        server.Next(null);
        server.Next(new Fault.Error(409, "Conflict"));
        Assert.Equal(new EpochReading.Known(6, null), await store.RaiseAsync(6, B, default));

        server.Objects.Change("leases.coordination.k8s.io", FakeKubernetesServer.Namespace, "redis",
            lease => lease["metadata"]!["annotations"]![SidecarAnnotations.Prefix + "highest-epoch"] = "x");
        Assert.Contains(
            "highest-epoch", Assert.IsType<EpochReading.Unavailable>(await store.ReadAsync(default)).Why, StringComparison.Ordinal);
        server.Next(new Fault.Reset());
        Assert.IsType<EpochReading.Unavailable>(await store.ReadAsync(default));

        static (string?, string?, int?) Spec(StoreRead<GroupLeaseSnapshot> read) =>
            ((StoreRead<GroupLeaseSnapshot>.Found)read).Value.Lease.Spec is { } spec
                ? (spec.HolderIdentity, spec.RenewTime, spec.LeaseTransitions)
                : default;
    }

    [Fact]
    public async Task The_loop_asks_the_store_once_and_writes_only_what_is_new()
    {
        var store = new CountingStore();
        SentinelObservation[] now = [Says(1, A, 1), Says(2, A, 1)];
        var codes = new List<string>();
        var time = new SteppedTime();
        var loop = new EpochKeeperLoop(_ => Task.FromResult<IReadOnlyCollection<SentinelObservation>>(now), store, 3,
            TimeSpan.FromSeconds(1), (d, _) => codes.Add(d.Code), time, () => 0.5);
        for (var i = 0; i < 3; i++) await loop.RoundAsync(default);
        now = [Says(1, B, 2), Says(2, B, 2)];
        store.Down = true;
        await loop.RoundAsync(default);
        await loop.RoundAsync(default);
        store.Down = false;
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 3; i++) await loop.RoundAsync(default);
        Assert.Equal(["epoch-raised", "epoch-kept", "epoch-kept", "epoch-raised", "epoch-store-unavailable", "epoch-raised",
            "epoch-kept", "epoch-kept"],
            codes);
        // Not in the round after the failure: within its pause it is not asked.
        Assert.Equal((2, 2), (store.Reads, store.Raised.Count));
    }

    private static EpochKeeping Decide(long stored, params SentinelObservation[] sentinels) =>
        EpochKeeperPolicy.Decide(new(new EpochReading.Known(stored, null), sentinels, 3));

    private sealed class CountingStore : IEpochStore
    {
        public int Reads { get; private set; }

        public List<long> Raised { get; } = [];

        public bool Down { get; set; }

        public string Description => "test";

        public Task<EpochReading> ReadAsync(CancellationToken cancellation)
        {
            Reads++;
            return Answer();
        }

        public Task<EpochReading> RaiseAsync(long epoch, RedisEndpoint master, CancellationToken cancellation)
        {
            if (!Down) Raised.Add(epoch);
            return Answer();
        }

        private Task<EpochReading> Answer() => Task.FromResult<EpochReading>(
            Down ? new EpochReading.Unavailable("down") : new EpochReading.Known(Raised.LastOrDefault(), null));
    }
}
