using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;

namespace Sidecars.Unit.Tests.Backup;

public class RestorePlanTests
{
    private static readonly List<SegmentName> Chain = Samples.Chain((1, 0, 100), (1, 100, 250), (2, 0, 70), (4, 0, 30), (4, 30, 90));
    private static readonly BackupEntry First = Samples.Backup(1, 5, (1, 0), (1, 100), endDigest: Chain[0].Digest);
    private static readonly BackupEntry Second = Samples.Backup(
        1, 25, (2, 0), (2, 70), verified: true, startDigest: Chain[1].Digest, endDigest: Chain[2].Digest);

    [Fact]
    public void The_latest_state_is_all_of_the_chain_from_the_newest_verified_base()
    {
        var unverified = Samples.Backup(1, 35, (4, 0), (4, 30), startDigest: Chain[2].Digest, endDigest: Chain[3].Digest);
        var plan = Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Latest(), Chain, First, Second, unverified));
        Assert.Equal(Second, plan.Backup);
        Assert.Equal(Chain.Skip(2), plan.Segments);
        Assert.Null(plan.CutAfter);
    }

    [Fact]
    public void The_newest_generation_wins_even_if_an_older_one_is_verified()
    {
        var newer = Samples.Backup(7, 100, (1, 0), (1, 0));
        Assert.Equal(newer, Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Latest(), [], Second, newer)).Backup);
    }

    [Theory]
    [InlineData(6, 1, 6)] // nothing is as early as the first segment: it is cut
    [InlineData(10, 2, 10)]
    [InlineData(24, 3, 24)]
    public void A_time_takes_the_base_before_it_and_cuts_in_the_first_later_segment(int second, int segments, int cut)
    {
        var plan = Assert.IsType<RestorePlan.Restore>(Plan(At(second), Chain, First, Second));
        Assert.Equal((First, segments, Samples.Time(cut).ToUnixTimeSeconds()), (plan.Backup, plan.Segments.Length, plan.CutAfter!.Value));
    }

    [Fact]
    public void A_time_after_the_last_command_needs_to_be_known_to_be_covered()
    {
        Assert.Equal("after_last", Refusal(Plan(At(60), Chain, First)));
        var catalogue = Catalogue(First) with { Uploader = new UploaderLease("redis-0", 1, 1, 5, Samples.Time(61)) };
        Assert.Null(Assert.IsType<RestorePlan.Restore>(RestorePlan.Calculate(catalogue, At(60), First, Chain)).CutAfter);
        var other = catalogue with { Uploader = catalogue.Uploader! with { Generation = 2 } }; // says nothing of this generation
        Assert.Equal("after_last", Refusal(RestorePlan.Calculate(other, At(60), First, Chain)));
    }

    [Theory] // the whole of a second is restored, or nothing
    [InlineData(59_999, false)]
    [InlineData(60_000, false)]
    [InlineData(60_999, false)]
    [InlineData(61_000, true)]
    public void A_second_is_covered_only_when_its_end_is(long coveredMilliseconds, bool isCovered)
    {
        var covered = Samples.Time(0).AddMilliseconds(coveredMilliseconds);
        var leased = Catalogue(First) with { Uploader = new UploaderLease("redis-0", 1, 1, 5, covered) };
        Assert.Equal(isCovered, RestorePlan.Calculate(leased, At(60), First, Chain) is RestorePlan.Restore);
        var own = First with { Manifest = First.Manifest with { CoveredUntil = covered, CompletedAt = Samples.Time(99) } };
        Assert.Equal(isCovered, RestorePlan.Calculate(Catalogue(own), At(60), own, Chain) is RestorePlan.Restore);
    }

    [Fact]
    public void The_last_second_of_a_generation_that_ended_is_refused_with_what_comes_next()
    {
        // Shipped up to a command of second 50; what else that second held, nobody knows. A base of the next generation begins at 70.
        var plan = Assert.IsType<RestorePlan.Refuse>(Plan(At(50), Chain, First, Samples.Backup(2, 70, (9, 0), (9, 0))));
        Assert.Equal(("after_last", true),
            (plan.Code, plan.Reason.Contains($"the next one begins at {RestorePlan.Show(Samples.Time(71))}", StringComparison.Ordinal)));
        Assert.IsType<RestorePlan.Restore>(Plan(At(49), Chain, First));
    }

    [Fact]
    public void A_backup_whose_generation_ended_before_its_first_command_is_no_state_of_its_second()
    {
        // The failure of a CI run: a base of an empty server, completed in second 5; writes of that second were lost with the generation.
        var empty = Samples.Backup(1, 4, (1, 0), (1, 0));
        empty = empty with
        {
            Manifest = empty.Manifest with
            { CompletedAt = Samples.Time(5).AddMilliseconds(200), CoveredUntil = Samples.Time(3).AddMilliseconds(200) }
        };
        Assert.Equal("after_last", Refusal(Plan(At(5), [], empty, Samples.Backup(2, 9, (3, 0), (3, 0)))));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)] // its own second: the coarse clock may say the one before
    public void A_time_that_no_base_is_surely_before_is_refused(int second) =>
        Assert.Equal("before_first", Refusal(Plan(At(second), Chain, First)));

    [Fact]
    public void Without_annotations_a_time_is_refused_and_the_latest_state_is_not()
    {
        var untimed = Chain.Select(s => s with { Time = 0 }).ToList();
        Assert.Equal("no_timestamps", Refusal(Plan(At(30), untimed, First)));
        Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Latest(), untimed, First));
    }

    [Fact]
    public void Between_two_snapshots_no_time_is_restored_and_both_are_named()
    {
        var first = Snapshot(5) with { Verification = Second.Verification };
        var second = Snapshot(50);
        var refuse = Assert.IsType<RestorePlan.Refuse>(Plan(At(20), [], first, second));
        Assert.Equal("no_stream", refuse.Code);
        foreach (var part in (string[])["DURABILITY=rdb", first.Id, second.Id])
            Assert.Contains(part, refuse.Reason, StringComparison.Ordinal);
        Assert.Equal("before_first", Refusal(Plan(At(1), [], first, second)));
        // the newest, verified or not
        var latest = Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Latest(), Chain, first, second));
        Assert.Equal((second, 0), (latest.Backup, latest.Segments.Length)); // and no segment, of whatever stream
        Assert.Equal(first, Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Backup(first.Id), [], first, second)).Backup);

        static BackupEntry Snapshot(long seconds)
        {
            var backup = Samples.Backup(1, seconds, (0, 0), (0, 0));
            return backup with { Manifest = backup.Manifest with { IsSnapshot = true } };
        }
    }

    [Fact]
    public void A_backup_is_restored_as_it_was_when_complete()
    {
        var plan = Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Backup(Second.Id), Chain, First, Second));
        Assert.Equal([Chain[2]], plan.Segments.AsEnumerable());
        Assert.Equal("unknown_backup", Refusal(Plan(new RestoreTarget.Backup("20200101T000000Z-1"), Chain, First)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_missing_segment_is_refused_by_name_and_left_out_only_if_asked(int missing)
    {
        var holed = Chain.Where((_, i) => i != missing).ToList();
        var refuse = Assert.IsType<RestorePlan.Refuse>(Plan(new RestoreTarget.Latest(), holed, First));
        Assert.Equal("missing_segment", refuse.Code);
        Assert.Contains($"tail/{Chain[Math.Max(0, missing - 1)].Sequence:D10}/", refuse.Reason, StringComparison.Ordinal);
        Assert.Equal("missing_segment", Refusal(Plan(At(45), holed, First)));
        if (missing > 0)
            Assert.Equal(Chain.Take(missing), Assert.IsType<RestorePlan.Restore>(
                RestorePlan.Calculate(Catalogue(First), new RestoreTarget.Latest(), First, holed, acceptGap: true)).Segments);
    }

    [Fact]
    public void A_last_segment_that_the_manifest_knew_is_missed() =>
        Assert.Equal("missing_segment",
            Refusal(Plan(new RestoreTarget.Latest(), Chain.Take(2), Samples.Backup(1, 5, (1, 0), (2, 70), endDigest: Chain[2].Digest))));

    [Fact]
    public void A_backup_that_ended_in_a_file_that_was_still_empty_is_whole()
    {
        var backup = Samples.Backup(1, 5, (1, 0), (3, 0), endDigest: Chain[2].Digest);
        Assert.Equal(Chain.Take(3), Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Backup(backup.Id), Chain, backup)).Segments);
        Assert.Equal(Chain.Take(3), Assert.IsType<RestorePlan.Restore>(Plan(new RestoreTarget.Latest(), Chain.Take(3), backup)).Segments);
    }

    [Fact]
    public void A_leftover_of_an_earlier_session_is_ignored()
    {
        // Session 1 died while it wrote 100-250; session 2 went on from 100 and cut otherwise; the old write arrived after all.
        var second = Samples.Chain(2, Chain[0].Digest, (1, 100, 180), (1, 180, 300));
        var chain = SegmentChain.Link([.. Chain.Take(2), .. second], new StreamPosition(1, 0), ChainDigest.Start);
        Assert.Equal([Chain[0], .. second], chain.Segments.AsEnumerable());
        Assert.Null(chain.Break);
    }

    [Fact]
    public void A_segment_of_another_history_is_a_break()
    {
        var foreign = Samples.Chain(1, Chain[4].Digest, (1, 100, 200))[0];
        var chain = SegmentChain.Link([Chain[0], foreign], new StreamPosition(1, 0), ChainDigest.Start);
        Assert.Equal([Chain[0]], chain.Segments.AsEnumerable());
        Assert.Equal(foreign, chain.Break!.Next);
    }

    [Theory]
    [InlineData("latest", typeof(RestoreTarget.Latest))]
    [InlineData("20261121T055743Z-1", typeof(RestoreTarget.Backup))]
    [InlineData("2026-11-21T10:00:00Z", typeof(RestoreTarget.Time))]
    [InlineData("2026-11-21T10:00:00.123+02:00", typeof(RestoreTarget.Time))]
    [InlineData("2026-11-21T10:00:00", null)]
    [InlineData("yesterday", null)]
    public void Targets_are_read(string text, Type? kind) => Assert.Equal(kind, RestoreTarget.Parse(text)?.GetType());

    private static RestoreTarget.Time At(int seconds) => new(Samples.Time(seconds));

    private static Catalogue Catalogue(params BackupEntry[] backups) => new([.. backups], null, []);

    private static string Refusal(RestorePlan plan) => Assert.IsType<RestorePlan.Refuse>(plan).Code;

    private static RestorePlan Plan(RestoreTarget target, IEnumerable<SegmentName> segments, params BackupEntry[] backups)
    {
        var catalogue = Catalogue(backups);
        return RestorePlan.Choose(catalogue, target, "t/r", out var chosen)
            ?? RestorePlan.Calculate(catalogue, target, chosen!, segments.Where(s => s.Sequence >= chosen!.Manifest.Start.Sequence));
    }
}
