using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Lineage;

public sealed class RescueTests : IDisposable
{
    private static readonly NodeIdentity Node = new("redis-0", "uid-a");
    private static readonly FencingToken Token = new(3, 1, 0);
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private readonly DataFolder _data = new();

    public void Dispose() => _data.Dispose();

    private RescueOutcome Preserve(int minute, int count = 3, long bytes = 1_000_000) =>
        new RescueStore(_data.Path, new RescueLimits(count, bytes))
            .Preserve(_data.Read(Durability.Aof), "follows redis-1", Token, Node, Noon.AddMinutes(minute));

    private string[] Names() => [.. new RescueStore(_data.Path, new RescueLimits(3, 1)).List().Select(r => r.Name)];

    private string Kept(string rescue, string file) => _data.File($".sidecar/rescue/{rescue}/{file}");

    [Fact]
    public void A_rescue_holds_the_data_after_the_server_has_replaced_its_files()
    {
        _data.WithAof(10).With("dump.rdb", DataFolder.Dump(5, 0), 1)
            .WithMarker(MarkerTests.Sample() with { Position = new(LineageHistoryTests.Id(7), 500), FullSyncInProgress = false }, 11);
        var rescue = Assert.IsType<RescueOutcome.Kept>(Preserve(0)).Rescue;
        Assert.Equal("20261121T120000000Z-aaaaaaaa", rescue.Name);
        Directory.Delete(_data.File("appendonlydir"), recursive: true);
        File.Delete(_data.File("dump.rdb"));
        Assert.Equal(DataFolder.ManifestText, File.ReadAllText(Kept(rescue.Name, DataFolder.Manifest)));
        Assert.Equal(DataState.Present, DiskEvidenceReader.Read(_data.File($".sidecar/rescue/{rescue.Name}"), Durability.Aof).State);
        var listed = Assert.Single(new RescueStore(_data.Path, new RescueLimits(3, 1)).List());
        Assert.Equal(
            (rescue.Reason, Token, Node, true, rescue.Bytes), (listed.Reason, listed.Token, listed.From, listed.Intact, listed.Bytes));
        Assert.Equal(rescue.Files, listed.Files);
        Assert.Equal(Noon, listed.MadeAt);
    }

    [Fact]
    public void Where_nothing_was_kept_there_are_none_and_where_it_cannot_be_read_that_is_not_known()
    {
        var store = new RescueStore(_data.Path, new RescueLimits(3, 1));
        Assert.Empty(store.Look().Value!);
        Directory.CreateDirectory(_data.File(".sidecar"));
        Assert.Empty(store.Look().Value!);
        File.CreateSymbolicLink(_data.File(".sidecar/rescue"), "rescue"); // a circle, which root can't read either
        Assert.Equal((FactState.Unreadable, FileFaultKind.Io), (store.Look().State, store.Look().Fault.Kind));
        Assert.Empty(store.List());
    }

    [Fact]
    public void Nothing_is_copied()
    {
        _data.WithAof(10);
        var rescue = Assert.IsType<RescueOutcome.Kept>(Preserve(0)).Rescue;
        File.AppendAllText(_data.File(DataFolder.Increment), "more");
        Assert.EndsWith("more", File.ReadAllText(Kept(rescue.Name, DataFolder.Increment)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_disk_has_nothing_to_keep() => Assert.IsType<RescueOutcome.NothingToKeep>(Preserve(0));

    [Fact]
    public void A_clock_that_was_set_back_does_not_make_the_newest_rescue_the_first_to_go()
    {
        var kept = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            _data.WithAof(10 + i);
            kept.Add(Assert.IsType<RescueOutcome.Kept>(Preserve(minute: -i)).Rescue.Name);
        }

        Assert.Equal(kept[2..], Names());
    }

    [Fact]
    public void A_restart_loop_keeps_one_rescue_and_real_changes_at_most_three()
    {
        _data.WithAof(10);
        for (var i = 0; i < 5; i++) Assert.IsType<RescueOutcome.Kept>(Preserve(i));
        Assert.Single(Names());
        for (var i = 5; i < 10; i++)
        {
            _data.Touch(DataFolder.Increment, 100 + i);
            Assert.IsType<RescueOutcome.Kept>(Preserve(i));
        }

        Assert.Equal(["20261121T120700000Z-unknown0", "20261121T120800000Z-unknown0", "20261121T120900000Z-unknown0"], Names());
    }

    [Fact]
    public void A_dataset_larger_than_the_bound_is_refused_and_nothing_is_deleted()
    {
        _data.WithAof(10);
        Assert.IsType<RescueOutcome.Kept>(Preserve(0));
        _data.Touch(DataFolder.Increment, 50);
        Assert.IsType<RescueOutcome.Refused>(Preserve(1, bytes: 20));
        Assert.Single(Names());
    }

    [Fact]
    public void What_a_crash_left_half_linked_is_not_listed_and_is_deleted_by_the_next()
    {
        _data.WithAof(10).With(".sidecar/rescue/20260101T000000000Z-aaaaaaaa.partial/dump.rdb", "x", 1)
            .With(".sidecar/rescue/by-hand/note.txt", "x", 1);
        Assert.Empty(Names());
        Assert.IsType<RescueOutcome.Kept>(Preserve(0));
        Assert.False(Directory.Exists(_data.File(".sidecar/rescue/20260101T000000000Z-aaaaaaaa.partial")));
        Assert.True(Directory.Exists(_data.File(".sidecar/rescue/by-hand"))); // not ours
    }

    [Fact]
    public void Across_filesystems_it_refuses_and_leaves_nothing()
    {
        const string other = "/dev/shm";
        if (!Directory.Exists(other) || !OperatingSystem.IsLinux()) Assert.Fail("needs a second filesystem at /dev/shm");
        var elsewhere = Directory.CreateDirectory(Path.Combine(other, $"sidecars-rescue-{Guid.NewGuid():n}")).FullName;
        try
        {
            _data.WithAof(10);
            Directory.CreateSymbolicLink(_data.File(".sidecar"), elsewhere);
            var refused = Assert.IsType<RescueOutcome.Refused>(Preserve(0));
            Assert.Contains("not copied", refused.Reason, StringComparison.Ordinal);
            Assert.Empty(Directory.GetDirectories(Path.Combine(elsewhere, "rescue")));
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public void The_plan_stays_within_its_bounds_and_keeps_the_last_intact_dataset()
    {
        Prop.ForAll(Gen.Choose(0, 1_000_000).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var limits = new RescueLimits(random.Next(1, 5), random.Next(1, 100));
            var existing = Enumerable.Range(0, random.Next(6)).Select(i => Of($"r{i}", random.Next(40), random.Next(2) == 0, i)).ToList();
            var intact = random.Next(2) == 0;
            RescuedFile[] incoming = [new("dump.rdb", random.Next(60), 99)];
            if (RescuePlan.Calculate(existing, incoming, intact, limits) is not RescuePlan.Keep keep) return true;
            var left = existing.Except(keep.Delete).ToList();
            return left.Count < limits.MaxCount && left.Sum(r => r.Bytes) + incoming[0].Length <= limits.MaxBytes
                && (intact || !existing.Any(r => r.Intact) || left.Any(r => r.Intact))
                && keep.Delete.Where(r => r.Intact).All(d => left.Where(r => r.Intact).All(l => string.CompareOrdinal(d.Name, l.Name) < 0));
        }).QuickCheckThrowOnFailure();

        static Rescue Of(string name, long bytes, bool intact, int n) => new(name, "r", Token, Node, intact, [new("dump.rdb", bytes, n)]);
    }

    [Fact]
    public void Half_a_sync_does_not_push_out_the_last_whole_dataset()
    {
        Rescue whole = new("1", "r", Token, Node, true, [new("dump.rdb", 50, 1)]),
            damaged = new("2", "r", Token, Node, false, [new("dump.rdb", 5, 2)]);
        Assert.Equal(
            [damaged], Assert.IsType<RescuePlan.Keep>(RescuePlan.Calculate([whole, damaged], [new("x", 5, 3)], false, new(2, 100))).Delete);
        Assert.IsType<RescuePlan.Refuse>(RescuePlan.Calculate([whole], [new("x", 5, 3)], false, new(1, 100)));
        Assert.Equal([damaged, whole],
            Assert.IsType<RescuePlan.Keep>(RescuePlan.Calculate([whole, damaged], [new("x", 5, 3)], true, new(1, 100))).Delete);
    }
}
