using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Lineage;

public sealed class MarkerTests : IDisposable
{
    private readonly TempFolder _folder = new("marker");

    public void Dispose() => _folder.Dispose();

    internal static Marker Sample(int seed = 1)
    {
        var random = new Random(seed);
        Assert.True(ClusterId.TryParse("ns/redis", out var cluster));
        var node = new NodeIdentity("redis-0", "uid \"quoted\" \u00e9 \ud83d\ude00");
        return new Marker(cluster!, node, "boot", new FencingToken(random.Next(9), random.Next(9), random.Next(9)),
            LineageHistoryTests.Random(seed), (MarkerRole)random.Next(3), random.Next(99))
        {
            RunId = random.Next(2) == 0 ? null : new string('b', 40),
            Position = random.Next(2) == 0
                ? null
                : new ReplicationPosition(LineageHistoryTests.Id(random.Next(40)), random.NextInt64(long.MaxValue)),
            MasterLinkUp = random.Next(2) == 0,
            FullSyncInProgress = random.Next(2) == 0,
            AofRewriteInProgress = random.Next(2) == 0,
            Aof = random.Next(2) == 0 ? null : new AofMark("appendonly.aof.7.incr.aof", random.NextInt64(long.MaxValue)),
            LastServing = random.Next(2) == 0 ? null : new LastServing(node with { Name = "redis-1" }, new FencingToken(1, 2, 3)),
            Announced = random.Next(2) == 0 ? null : new AnnouncedAddress(
                "redis-0.ns.svc", new RedisEndpoint(random.Next(2) == 0 ? "10.96.0.1" : "fd00::1", random.Next(1, 65536))),
            WrittenAt = random.Next(2) == 0 ? null : "2026-11-21T01:00:00Z",
        };
    }

    private static string Text(Marker marker) => Encoding.UTF8.GetString(MarkerDocument.Write(marker));

    private static DiskFact<Marker> Read(string text) => MarkerDocument.Read(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void What_is_written_reads_back() => Prop.ForAll(Gen.Choose(0, 1_000_000).ToArbitrary(), seed =>
        MarkerDocument.Read(MarkerDocument.Write(Sample(seed))).Value == Sample(seed)).QuickCheckThrowOnFailure();

    [Fact]
    public void The_id_that_data_are_still_of_is_written_beside_a_position_only()
    {
        var marker = Sample() with
        { Position = new ReplicationPosition(LineageHistoryTests.Id(2), 5), StillOf = LineageHistoryTests.Id(1) };
        Assert.Equal(marker, MarkerDocument.Read(MarkerDocument.Write(marker)).Value);
        Assert.Null(MarkerDocument.Read(MarkerDocument.Write(marker with { Position = null })).Value!.StillOf);
        Assert.False(Read(Text(marker).Replace(LineageHistoryTests.Id(1).ToString(), "xyz", StringComparison.Ordinal)).IsKnown);
    }

    [Fact]
    public void A_full_history_is_far_below_the_bound()
    {
        var history = LineageHistory.Empty;
        var master = new NodeIdentity(new string('n', NodeIdentity.MaxNameLength), new string('u', NodeIdentity.MaxUidLength));
        for (var i = 1; i <= 64; i++)
            history = history.Append(LineageHistoryTests.Id(i), long.MaxValue, long.MaxValue, long.MaxValue, master)!;
        Assert.InRange(MarkerDocument.Write(Sample() with { History = history }).Length, 1, MarkerStore.MaxBytes / 4);
    }

    [Fact]
    public void A_newer_version_with_fields_that_are_not_known_reads_as_newer()
    {
        var newer =
            Read(Text(Sample()).Replace("\"format\": 1,", "\"format\": 2, \"zone\": {\"a\": [1, null]},", StringComparison.Ordinal));
        Assert.True(newer.IsKnown && newer.Value.IsNewer);
        Assert.Equal(Sample() with { Format = 2 }, newer.Value);
    }

    [Theory]
    [InlineData("\"format\"")]
    [InlineData("\"cluster\"")]
    [InlineData("\"node\"")]
    [InlineData("\"boot_id\"")]
    [InlineData("\"token\"")]
    [InlineData("\"role\"")]
    [InlineData("\"highest_epoch\"")]
    [InlineData("\"full_sync_in_progress\"")]
    [InlineData("\"aof_rewrite_in_progress\"")]
    [InlineData("\"history\"")]
    public void Without_a_mandatory_field_it_is_unreadable_in_any_version(string field)
    {
        var text = Text(Sample() with { LastServing = null }).Replace(field, "\"other\"", StringComparison.Ordinal);
        var read = Read(text);
        Assert.Equal(FactState.Unreadable, read.State);
        Assert.Equal(FileFaultKind.WrongType, read.Fault.Kind);
        Assert.Contains(field.Trim('"'), read.Fault.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", FileFaultKind.Torn)]
    [InlineData("\0\0\0\0", FileFaultKind.Torn)]
    [InlineData("{\"format\": 1, \"clus", FileFaultKind.Torn)]
    [InlineData("[]", FileFaultKind.WrongType)]
    [InlineData("{\"kind\": \"Lease\"}", FileFaultKind.WrongType)]
    [InlineData("not json", FileFaultKind.WrongFormat)]
    [InlineData("{} {}", FileFaultKind.WrongFormat)]
    [InlineData("{\"format\": \"1\"}", FileFaultKind.WrongType)]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", FileFaultKind.WrongFormat)]
    public void What_is_no_marker_has_a_typed_reason(string text, FileFaultKind kind)
    {
        var read = Read(text);
        Assert.Equal(FactState.Unreadable, read.State);
        Assert.Equal(kind, read.Fault.Kind);
    }

    [Fact]
    public void Cut_anywhere_it_is_torn_never_half_read()
    {
        var whole = MarkerDocument.Write(Sample(3));
        for (var length = 0; length < whole.Length; length++)
            Assert.Equal(FileFaultKind.Torn, MarkerDocument.Read(whole.AsSpan(0, length)).Fault.Kind);
    }

    [Fact]
    public void The_store_tells_absent_from_known_and_a_crash_beside_it_changes_nothing()
    {
        var store = new MarkerStore(_folder.Path);
        Assert.Equal(FactState.Absent, store.Read().State);
        Assert.True(store.TryWrite(Sample(1), out _));
        foreach (var temporary in Temporaries(store)) File.WriteAllText(temporary, "{ half");
        Assert.Equal(Sample(1), store.Read().Value);
        Assert.True(store.TryWrite(Sample(2), out _));
        Assert.Equal(Sample(2), store.Read().Value);
        Assert.Equal(63, Temporaries(store).Count(File.Exists)); // what a crash left under the name that was taken is gone
    }

    [Fact]
    public void A_failed_write_is_reported_and_leaves_the_old_marker()
    {
        var store = new MarkerStore(_folder.Path);
        Assert.True(store.TryWrite(Sample(1), out _));
        foreach (var temporary in Temporaries(store)) Directory.CreateDirectory(temporary);
        Assert.False(store.TryWrite(Sample(2), out var fault));
        Assert.Equal(FileFaultKind.Io, fault.Kind);
        Assert.Equal(Sample(1), store.Read().Value);
    }

    [Fact]
    public void Too_large_a_file_and_a_directory_are_unreadable()
    {
        var store = new MarkerStore(_folder.Path);
        _folder.Write(".sidecar/state.json", new string(' ', MarkerStore.MaxBytes + 1));
        Assert.Equal(FileFaultKind.TooLarge, store.Read().Fault.Kind);
        File.Delete(store.MarkerPath);
        Directory.CreateDirectory(store.MarkerPath);
        Assert.Equal(FileFaultKind.Io, store.Read().Fault.Kind);
    }

    // Every name that AtomicFile may take beside the marker.
    private static IEnumerable<string> Temporaries(MarkerStore store) => Enumerable.Range(0, 64).Select(slot => Path.Combine(
        Path.GetDirectoryName(store.MarkerPath)!,
        $".{MarkerStore.FileName}.{Path.GetFileName(Environment.ProcessPath)}-{Environment.ProcessId}-{slot}.tmp"));
}
