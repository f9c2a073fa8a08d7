using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Unit.Tests.Core.Lineage;

namespace Sidecars.Unit.Tests.Bootstrap.Disk;

public sealed class DiskEvidenceTests : IDisposable
{
    private static readonly int AofBytes = DataFolder.FullRdb.Length + 21;
    private static readonly ReplicationPosition At500 = new(LineageHistoryTests.Id(7), 500);
    private readonly DataFolder _data = new();

    public void Dispose() => _data.Dispose();

    private static Marker Marker(long aofLength = 21, bool sync = false, bool rewrite = false, string file = "appendonly.aof.1.incr.aof") =>
        MarkerTests.Sample() with
        { Position = At500, Aof = new AofMark(file, aofLength), FullSyncInProgress = sync, AofRewriteInProgress = rewrite };

    private void Expect(Durability durability, DataState state, SuspectReason reason = SuspectReason.None)
    {
        var evidence = _data.Read(durability);
        Assert.Equal((state, reason), (evidence.State, evidence.Reason));
    }

    [Theory]
    [InlineData(Durability.None)]
    [InlineData(Durability.Rdb)]
    [InlineData(Durability.Aof)]
    public void No_files_are_absent_and_no_directory_is_suspect(Durability durability)
    {
        Expect(durability, DataState.Absent);
        _data.WithMarker(Marker(), 1);
        Expect(durability, DataState.Absent);
        Assert.Equal(SuspectReason.DirectoryUnreadable, DiskEvidenceReader.Read(_data.File("unmounted"), durability).Reason);
    }

    [Theory]
    [InlineData("restore\n", FilledBy.Restore)]
    [InlineData("adopt", FilledBy.Adopt)]
    public void A_mark_counts_while_no_server_has_written_beside_it_and_the_data_then_have_no_position(string mark, FilledBy by)
    {
        _data.WithMarker(Marker(), 10).WithAof(20).With(".sidecar/filled", mark, 20);
        Assert.Equal((by, (DiskPosition?)null), (_data.Read(Durability.Aof).Filled, _data.Read(Durability.Aof).Position));
        _data.Touch(DataFolder.Increment, 21); // a server took a write
        Assert.Null(_data.Read(Durability.Aof).Filled);
        _data.WithAof(20).WithMarker(Marker(), 21); // a sidecar has seen it serve
        Assert.Null(_data.Read(Durability.Aof).Filled);
        Assert.NotNull(_data.Read(Durability.Aof).Position);
        _data.WithMarker(Marker() with { Position = null }, 21); // bootstrap's first marker, before the server has answered
        Assert.Equal(by, _data.Read(Durability.Aof).Filled);
        File.Delete(_data.File(DataFolder.Manifest));
        Assert.Null(_data.Read(Durability.Aof).Filled); // suspect data are nobody's
    }

    [Theory]
    [InlineData(21, true)] // as the marker saw it
    [InlineData(22, true)] // less than that
    [InlineData(20, false)] // a write came after the marker
    public void What_data_are_still_of_counts_while_the_disk_holds_no_more_than_the_marker_saw(long noted, bool counts)
    {
        var marker = Marker() with
        { Aof = new AofMark("appendonly.aof.1.incr.aof", noted, Exact: true), StillOf = LineageHistoryTests.Id(3) };
        _data.WithAof(10).WithMarker(marker, 20);
        var evidence = CandidateEvidence.Of(
            new NodeIdentity("redis-0", "u"), "run", new RedisEndpoint("10.0.0.1", 6379), _data.Read(Durability.Aof));
        Assert.Equal(counts ? LineageHistoryTests.Id(3) : (ReplicationId?)null, evidence.StillOf);
    }

    [Fact]
    public void A_mark_without_data_or_with_another_word_is_none()
    {
        FilledMark.Write(_data.Path, FilledBy.Adopt);
        Assert.Null(_data.Read(Durability.Aof).Filled);
        _data.WithAof(20);
        Assert.Equal(FilledBy.Adopt, _data.Read(Durability.Aof).Filled);
        FilledMark.Remove(_data.Path);
        FilledMark.Remove(_data.Path);
        Assert.Null(_data.Read(Durability.Aof).Filled);
        _data.With(".sidecar/filled", "whatever", 30);
        Assert.Null(_data.Read(Durability.Aof).Filled);
    }

    [Fact]
    public void Zero_keys_are_data_in_both_formats()
    {
        _data.With("dump.rdb", DataFolder.EmptyRdb, 1);
        Expect(Durability.Rdb, DataState.Empty);
        _data.With(DataFolder.Base, DataFolder.EmptyRdb, 1).With(DataFolder.Increment, "", 1)
            .With(DataFolder.Manifest, DataFolder.ManifestText, 1);
        Expect(Durability.Aof, DataState.Empty);
        _data.With(DataFolder.Increment, "*1\r\n$4\r\nPING\r\n", 2);
        Expect(Durability.Aof, DataState.Present);
    }

    [Fact]
    public void A_dump_with_the_AOF_on_would_be_lost_and_is_suspect()
    {
        _data.With("dump.rdb", DataFolder.Dump(700, 0), 1);
        Expect(Durability.Aof, DataState.Suspect, SuspectReason.RdbWithoutAof);
        Expect(Durability.Rdb, DataState.Present);
        Expect(Durability.None, DataState.Present);
    }

    [Fact]
    public void An_AOF_with_snapshots_only_would_not_be_loaded_and_is_suspect()
    {
        _data.WithAof(1);
        Expect(Durability.Rdb, DataState.Suspect, SuspectReason.AofWithoutRdb);
        Expect(Durability.None, DataState.Absent);
    }

    // With the AOF on no dump is saved at the shutdown: this one came with a full sync.
    [Fact]
    public void A_dump_that_is_older_than_the_AOF_is_suspect_with_snapshots_only()
    {
        _data.WithAof(10).With("dump.rdb", DataFolder.Dump(600, 0), 5);
        Expect(Durability.Rdb, DataState.Suspect, SuspectReason.AofWithoutRdb);
        Expect(Durability.None, DataState.Present);
        Expect(Durability.Aof, DataState.Present);
        _data.Touch("dump.rdb", 11); // saved or received since
        Expect(Durability.Rdb, DataState.Present);
    }

    [Fact]
    public void The_single_AOF_of_Redis_6_is_a_dataset()
    {
        _data.With("appendonly.aof", "*1\r\n$4\r\nPING\r\n", 1);
        Expect(Durability.Aof, DataState.Present);
        Assert.Equal(14, _data.Read(Durability.Aof).AofLength);
    }

    [Theory]
    [InlineData(DataFolder.FullRdb, DataState.Present)]
    [InlineData(DataFolder.EmptyRdb + "*1\r\n$4\r\nPING\r\n", DataState.Present)]
    [InlineData(DataFolder.FullRdb + "#TS:5\r\n*1\r\n$4\r\nPING\r\n", DataState.Present)]
    [InlineData(DataFolder.FullRdb + "*1\r\n$4\r\nPI", DataState.Present)]
    [InlineData(DataFolder.FullRdb + "garbage", DataState.Suspect)]
    [InlineData("REDIS0010\u00fe cut", DataState.Suspect)]
    public void The_single_AOF_of_Redis_4_to_6_may_begin_with_a_snapshot(string content, DataState state)
    {
        _data.With("appendonly.aof", content, 1);
        Expect(Durability.Aof, state, state == DataState.Suspect ? SuspectReason.AofGarbled : SuspectReason.None);
    }

    [Theory]
    [InlineData(DataFolder.EmptyRdb, false, DataState.Empty)]
    [InlineData(DataFolder.EmptyRdb + "*1\r\n$4\r\nPING\r\n", false, DataState.Present)]
    [InlineData(DataFolder.FullRdb + "*1\r\n$4\r\nPI", true, DataState.Present)] // torn, in the last file
    [InlineData(DataFolder.FullRdb + "*1\r\n$4\r\nPI", false, DataState.Suspect)]
    [InlineData(DataFolder.FullRdb + "garbage", true, DataState.Suspect)]
    public void Taken_over_as_a_base_it_is_judged_as_the_server_does(string content, bool isLast, DataState state)
    {
        var manifest = "file appendonly.aof seq 1 type b\n" + (isLast ? "" : "file appendonly.aof.1.incr.aof seq 1 type i\n");
        _data.With("appendonlydir/appendonly.aof", content, 1).With(DataFolder.Increment, "", 1).With(DataFolder.Manifest, manifest, 1);
        Expect(Durability.Aof, state, state == DataState.Suspect ? SuspectReason.AofBaseUnreadable : SuspectReason.None);
    }

    [Theory]
    [InlineData(DataFolder.Manifest, "file a seq", SuspectReason.ManifestUnreadable)]
    [InlineData(DataFolder.Manifest, "file gone.aof seq 1 type i\n", SuspectReason.AofFileMissing)]
    [InlineData(DataFolder.Base, "REDIS", SuspectReason.AofBaseUnreadable)]
    [InlineData(DataFolder.Base, "REDIS0010\u00fe cut", SuspectReason.AofBaseUnreadable)]
    [InlineData(DataFolder.Base, "*1\r\n$4\r\nPI", SuspectReason.AofBaseUnreadable)]
    [InlineData(DataFolder.Increment, "garbage", SuspectReason.AofGarbled)]
    public void A_damaged_AOF_is_suspect(string file, string content, SuspectReason reason)
    {
        _data.WithAof(1).With(file, content, 1);
        Expect(Durability.Aof, DataState.Suspect, reason);
    }

    [Fact]
    public void A_manifest_that_is_gone_is_not_a_first_boot()
    {
        _data.WithAof(1);
        File.Delete(_data.File(DataFolder.Manifest));
        Expect(Durability.Aof, DataState.Suspect, SuspectReason.ManifestMissing);
    }

    [Fact]
    public void A_torn_end_of_the_AOF_is_normal_after_a_crash()
    {
        _data.WithAof(1).With(DataFolder.Increment, "#TS:5\r\n*1\r\n$4\r\nPI", 2);
        Expect(Durability.Aof, DataState.Present);
        Assert.Equal(
            (AofEnd.Torn, 5L), (_data.Read(Durability.Aof).Facts.AofTail.Value!.End, _data.Read(Durability.Aof).LastTimestamp!.Value));
    }

    [Theory]
    [InlineData("REDIS0010", SuspectReason.RdbUnreadable)]
    [InlineData("REDIS0010\u00fe\0 cut somewhere", SuspectReason.RdbCut)]
    public void A_damaged_dump_is_suspect(string content, SuspectReason reason)
    {
        _data.With("dump.rdb", content, 1);
        Expect(Durability.Rdb, DataState.Suspect, reason);
    }

    [Theory]
    [InlineData(21L, DiskVersusMarker.Same, PositionBound.Exact)]
    [InlineData(20L, DiskVersusMarker.DiskNewer, PositionBound.AtLeast)]
    [InlineData(22L, DiskVersusMarker.DiskOlder, PositionBound.AtMost)]
    public void The_offset_of_a_marker_is_worth_what_the_length_of_the_AOF_says(long noted, DiskVersusMarker versus, PositionBound bound)
    {
        var evidence = _data.WithAof(10).WithMarker(Marker(noted), 11).Read(Durability.Aof);
        Assert.Equal((versus, AofBytes), (evidence.VersusMarker, (int)evidence.AofLength));
        var lower = bound == PositionBound.AtMost ? 499 : 500; // one byte of the AOF is missing
        Assert.Equal(new DiskPosition(At500, bound, PositionSource.Marker)
        { Lower = lower, Estimate = lower, Upper = bound == PositionBound.AtLeast ? null : 500 },
            evidence.Position);
    }

    [Theory]
    [InlineData(0, DiskVersusMarker.Same, PositionBound.Exact, 500)]
    [InlineData(-21, DiskVersusMarker.DiskNewer, PositionBound.AtLeast, 514)] // grown by a time stamp of 7 bytes and a command of 14
    [InlineData(-14, DiskVersusMarker.DiskNewer, PositionBound.AtLeast, 514)]
    [InlineData(3, DiskVersusMarker.DiskOlder, PositionBound.AtMost, 497)]
    public void A_total_of_the_moment_of_the_offset_is_exact_where_the_length_counted_a_buffer_twice(
        int more, DiskVersusMarker versus, PositionBound bound, long estimate)
    {
        var marker = Marker(21 + 39) with { Aof = new AofMark("appendonly.aof.1.incr.aof", 21 + 39, Exact: false, Total: AofBytes + more) };
        var evidence = _data.WithAof(10).WithMarker(marker, 11).Read(Durability.Aof);
        Assert.Equal((versus, bound, estimate), (evidence.VersusMarker, evidence.Position!.Bound, evidence.Position.Estimate));
    }

    [Fact]
    public void Of_two_disks_with_the_same_commands_a_torn_end_is_worth_nothing()
    {
        var marker = Marker() with { Aof = new AofMark("appendonly.aof.1.incr.aof", 21, Total: AofBytes) };
        var torn = _data.WithAof(10).With(DataFolder.Increment, "#TS:5\r\n*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSE", 12).WithMarker(marker, 11)
            .Read(Durability.Aof);
        Assert.Equal((DiskVersusMarker.DiskNewer, 500L), (torn.VersusMarker, torn.Position!.Estimate));
    }

    [Fact]
    public void A_total_from_within_a_rewrite_says_nothing_of_the_files_after_it()
    {
        var marker = Marker(rewrite: true) with { Aof = new AofMark("appendonly.aof.1.incr.aof", 21, Total: 1_000_000) };
        var evidence = _data.WithAof(10).WithMarker(marker, 11).Read(Durability.Aof);
        Assert.Equal((DiskVersusMarker.Same, 500L), (evidence.VersusMarker, evidence.Position!.Estimate));
    }

    [Fact]
    public void A_marker_of_another_AOF_file_is_older_than_a_rewrite_or_tells_nothing()
    {
        var marker = Marker(file: "appendonly.aof.0.incr.aof");
        Assert.Equal(PositionBound.AtLeast, _data.WithAof(10).WithMarker(marker, 1).Read(Durability.Aof).Position!.Bound);
        Assert.Equal(PositionBound.Unclear, _data.WithMarker(marker, 20).Read(Durability.Aof).Position!.Bound);
    }

    [Fact]
    public void With_snapshots_the_header_of_the_dump_decides_and_not_the_marker()
    {
        var evidence = _data.With("dump.rdb", DataFolder.Dump(300, 0), 1).WithMarker(Marker(), 20).Read(Durability.Rdb);
        Assert.Equal(new DiskPosition(At500 with { Offset = 300 }, PositionBound.Exact, PositionSource.RdbHeader)
        { Lower = 300, Estimate = 300, Upper = 300 },
            evidence.Position);
        evidence = _data.With("dump.rdb", DataFolder.FullRdb, 1).Read(Durability.Rdb);
        Assert.Equal(PositionBound.AtMost, evidence.Position!.Bound);
    }

    [Fact]
    public void Without_a_marker_an_older_dump_gives_a_lower_bound()
    {
        var evidence = _data.With("dump.rdb", DataFolder.Dump(0, 0), 1).WithAof(10).Read(Durability.Aof);
        Assert.Equal(DataState.Present, evidence.State);
        Assert.Equal((PositionBound.AtLeast, PositionSource.RdbHeader, 0L),
            (evidence.Position!.Bound, evidence.Position.Source, evidence.Position.At.Offset));
    }

    [Fact]
    public void The_stale_AOF_trap_is_seen_by_its_temporary_file()
    {
        _data.WithAof(10).With("dump.rdb", DataFolder.Dump(900, 19), 20).With("appendonlydir/temp-appendonly.aof.incr", "", 21);
        Expect(Durability.Aof, DataState.Suspect, SuspectReason.StaleAof);
        Assert.Null(_data.Read(Durability.Aof).Position);
        _data.Touch(DataFolder.Manifest, 30); // a later rewrite completed: what lies there is a leftover
        Expect(Durability.Aof, DataState.Present);
    }

    [Fact]
    public void A_dump_newer_than_the_AOF_needs_a_marker_that_vouches_for_it()
    {
        _data.WithAof(10).With("dump.rdb", DataFolder.Dump(600, 20), 20);
        Expect(Durability.Aof, DataState.Suspect, SuspectReason.StaleAof);
        Expect(Durability.Aof, _data.WithMarker(Marker(), 20), DataState.Present); // written after: saw no sync
        Expect(Durability.Aof, _data.WithMarker(Marker(sync: true), 20), DataState.Suspect);
        Expect(Durability.Aof, _data.WithMarker(Marker(rewrite: true), 25), DataState.Present); // continues the stream that was noted
        Expect(Durability.Aof, _data.WithMarker(Marker(), 15), DataState.Present); // a save at shutdown, seconds later
        Expect(Durability.Aof, _data.WithMarker(Marker(), 9), DataState.Suspect); // the sidecar had stopped long before
        // another stream
        Expect(Durability.Aof, _data.WithMarker(Marker() with { Position = new(LineageHistoryTests.Id(8), 500) }, 15), DataState.Suspect);
        // runs backwards
        Expect(Durability.Aof, _data.WithMarker(Marker() with { Position = At500 with { Offset = 601 } }, 15), DataState.Suspect);
        Expect(Durability.Aof, _data.WithMarker(Marker(file: "x.aof"), 15), DataState.Suspect); // another AOF
    }

    [Fact]
    public void After_a_save_at_shutdown_the_dump_tells_the_higher_offset()
    {
        var evidence = _data.WithAof(10).WithMarker(Marker(), 19).With("dump.rdb", DataFolder.Dump(600, 20), 20).Read(Durability.Aof);
        Assert.Equal(
            new DiskPosition(At500 with { Offset = 600 }, PositionBound.AtLeast, PositionSource.RdbHeader) { Lower = 600, Estimate = 600 },
            evidence.Position);
    }

    [Fact]
    public void A_full_sync_that_the_marker_saw_begin_is_over_only_when_the_manifest_changed()
    {
        _data.WithAof(10).WithMarker(Marker(sync: true), 15);
        Expect(Durability.Aof, DataState.Suspect, SuspectReason.FullSyncInterrupted);
        _data.Touch(DataFolder.Manifest, 16);
        Expect(Durability.Aof, DataState.Present);
        Assert.Null(_data.Read(Durability.Aof).Position); // the noted offset was the stream's, not this dataset's
    }

    [Fact]
    public void Leftovers_of_own_saves_and_rewrites_are_reported_and_harm_nothing()
    {
        _data.WithAof(10).With("temp-4711.rdb", "", 12).With("temp-1795225658.4711.rdb", "", 13).With("temp-rewriteaof-bg-4711.aof", "", 14)
            .With("temp-note.rdb", "", 15);
        Expect(Durability.Aof, DataState.Present);
        var unfinished = _data.Read(Durability.Aof).Facts.Directory.Value!.Unfinished;
        Assert.True(unfinished is { OwnSave: not null, ReceivedSnapshot: not null, AofRewrite: not null, AofStart: null });
    }

    [Fact]
    public void A_dataset_of_30_GB_costs_no_more_to_read_than_a_small_one()
    {
        _data.WithAof(10).With("dump.rdb", DataFolder.Dump(1, 0), 1).WithMarker(Marker(), 11);
        foreach (var file in (string[])["dump.rdb", DataFolder.Base, DataFolder.Increment])
        {
            using var sparse = new FileStream(_data.File(file), FileMode.Open);
            sparse.SetLength(10L * 1024 * 1024 * 1024);
        }

        _data.Read(Durability.Aof);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var evidence = _data.Read(Durability.Aof);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * 1024 * 1024);
        Assert.InRange(evidence.Facts.BytesRead, 1, AofTailReader.FirstWindow + AofTailReader.LastWindow + (32 * 1024));
        Assert.Equal(SuspectReason.AofBaseUnreadable, evidence.Reason); // it ends in zeros
    }

    [Fact]
    public void Any_combination_of_files_and_times_keeps_the_promises()
    {
        var cases = Gen.Choose(0, 1_000_000).ToArbitrary();
        Prop.ForAll(cases, seed =>
        {
            using var data = new DataFolder();
            var random = new Random(seed);
            if (random.Next(4) > 0) data.WithAof(random.Next(1, 30));
            if (random.Next(2) > 0) data.With("dump.rdb", DataFolder.Dump(random.Next(1000), random.Next(30)), random.Next(30));
            if (random.Next(2) > 0) data.WithMarker(Marker(random.Next(15, 25), random.Next(4) == 0, random.Next(4) == 0), random.Next(30));
            if (random.Next(4) == 0) data.With("appendonlydir/temp-appendonly.aof.incr", "", random.Next(30));
            if (random.Next(4) == 0 && File.Exists(data.File(DataFolder.Manifest))) File.Delete(data.File(DataFolder.Manifest));
            return Enum.GetValues<Durability>().All(d => Holds(data.Read(d)));
        }).QuickCheckThrowOnFailure();

        static bool Holds(DiskEvidence e) =>
            e.State == DataState.Suspect == (e.Reason != SuspectReason.None)
            && (e.IsIntact || e.Position is null)
            && (e.Position is not { Bound: PositionBound.Exact } || e.VersusMarker == DiskVersusMarker.Same
                || e.Facts.Durability != Durability.Aof)
            && (e.Facts.Durability != Durability.Aof || e.State != DataState.Present || e.Facts.Manifest.IsKnown);
    }

    private static void Expect(Durability durability, DataFolder data, DataState state) => Assert.Equal(state, data.Read(durability).State);
}
