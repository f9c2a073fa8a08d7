using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Tail;
using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Unit.Tests.Backup;

public class BackupPolicyTests
{
    private const long Day = 86_400;
    private static readonly RetentionRules Rules = new(TimeSpan.FromDays(3), 7, 4, 3);

    [Fact]
    public void A_rewrite_goes_on_and_a_new_dataset_does_not()
    {
        Assert.Empty(Next(TailPolicy.Decide(5, Manifest(5), _ => default)));
        Assert.Equal([6], Next(TailPolicy.Decide(5, Manifest(5, 6), _ => default))); // both in one manifest
        Assert.Equal([6], Next(TailPolicy.Decide(5, Manifest(6), _ => IncrementOrigin.Created))); // seen being created
        Assert.Equal([6, 7], Next(TailPolicy.Decide(5, Manifest(6, 7), s => s == 6 ? IncrementOrigin.Created : default)));
        Assert.Equal("not_proven", Broken(TailPolicy.Decide(5, Manifest(6), _ => default)));
        Assert.Equal("not_proven", Broken(TailPolicy.Decide(5, Manifest(7), _ => IncrementOrigin.Created))); // where is 6?
        Assert.Equal("dataset_replaced", Broken(TailPolicy.Decide(5, Manifest(6), _ => IncrementOrigin.Renamed)));
        Assert.Equal("dataset_replaced", Broken(TailPolicy.Decide(5, Manifest(5, 6), _ => IncrementOrigin.Renamed)));
        Assert.Equal("increment_gone", Broken(TailPolicy.Decide(5, Manifest(4), _ => default)));
    }

    [Fact]
    public void After_a_restart_the_same_bytes_go_on()
    {
        var tip = Samples.Chain((5, 0, 100))[0];
        Assert.Empty(Next(TailPolicy.Resume(tip, Manifest(5), tip.Digest)));
        Assert.Equal([6], Next(TailPolicy.Resume(tip, Manifest(5, 6), tip.Digest)));
        Assert.Equal("other_content", Broken(TailPolicy.Resume(tip, Manifest(5), ChainDigest.Start)));
        Assert.Equal("shrunk", Broken(TailPolicy.Resume(tip, Manifest(5), null)));
        Assert.Equal("rewritten_meanwhile", Broken(TailPolicy.Resume(tip, Manifest(6), tip.Digest)));
    }

    [Theory]
    [InlineData(NodeStanding.InSyncReplica, "", 0, "free")]
    [InlineData(NodeStanding.InSyncReplica, "other", 10, "held")]
    [InlineData(NodeStanding.InSyncReplica, "other", 91, "free")]
    [InlineData(NodeStanding.LoneMaster, "", 0, "free")]
    [InlineData(NodeStanding.Master, "", 0, "replica_first")]
    [InlineData(NodeStanding.Master, "", 91, "no_replica")]
    [InlineData(NodeStanding.Master, "other", 91, "replica_first")]
    [InlineData(NodeStanding.Master, "other", 181, "no_replica")]
    [InlineData(NodeStanding.Master, "me", 0, "own_lease")]
    [InlineData(NodeStanding.NotInSync, "me", 0, "not_in_sync")]
    [InlineData(NodeStanding.Down, "", 999, "not_in_sync")]
    [InlineData(NodeStanding.Unknown, "", 999, "server_unknown")]
    public void Who_uploads(NodeStanding standing, string holder, int unchangedSeconds, string code)
    {
        var lease = new UploaderLease(holder, 1, 1, 1, Samples.Time(0));
        var decision = UploaderPolicy.Decide("me", standing, lease, TimeSpan.FromSeconds(unchangedSeconds), TimeSpan.FromSeconds(90));
        Assert.Equal((code, code is "free" or "no_replica" or "own_lease"), (decision.Code, decision.Take));
    }

    [Theory]
    [InlineData(NodeStanding.NotInSync, 29, false)]
    [InlineData(NodeStanding.NotInSync, 30, true)]
    [InlineData(NodeStanding.Down, 30, true)]
    [InlineData(NodeStanding.Unknown, 9999, false)] // it hangs, or refuses the log-in: its files may grow all the same
    [InlineData(NodeStanding.InSyncReplica, 9999, false)]
    [InlineData(NodeStanding.LoneMaster, 9999, false)]
    public void Who_gives_the_lease_back(NodeStanding standing, int seconds, bool expected) =>
        Assert.Equal(expected, UploaderPolicy.GivesBack(standing, TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(30)));

    [Fact]
    public void A_replica_is_as_current_as_the_word_that_it_last_heard()
    {
        var replica =
            Seen("role:slave\r\nloading:0\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\nmaster_last_io_seconds_ago:7\r\n");
        Assert.Equal((true, TimeSpan.FromSeconds(8)), (replica.IsCurrent, replica.HeardAgo)); // whole seconds: it may be almost one more
        var master = Seen("role:master\r\nloading:0\r\nconnected_slaves:0\r\n");
        Assert.Equal((true, TimeSpan.Zero), (master.IsCurrent, master.HeardAgo));
        Assert.False(Seen("role:slave\r\nloading:0\r\nmaster_link_status:down\r\n").IsCurrent);
        Assert.False(Seen("role:master\r\n").IsCurrent); // nothing tells that it does not load
        Assert.Empty(NodeSnapshot.Between(NodeSnapshot.Down, master)); // no answer, no bounds
    }

    private static NodeSnapshot Seen(string info) =>
        NodeSnapshot.Of(NodeLook.Of(
            RespValue.Scalar(RespKind.BulkString, Encoding.ASCII.GetBytes($"run_id:{new string('a', 40)}\r\n{info}")), null).Look!);

    [Fact]
    public void The_window_keeps_its_backups_and_the_one_before_it()
    {
        var backups = Enumerable.Range(0, 10).Select(d => Samples.Backup(1, d * Day, (d + 1, 0), (d + 1, 10))).ToList();
        var policy = RetentionPolicy.Decide(backups, Rules with { Daily = 0, Weekly = 0, Monthly = 0 }, Samples.Time((9 * Day) + 1));
        Assert.Equal(backups[6], policy.Anchor);
        Assert.Equal(backups.Skip(6), policy.Verdicts.Where(v => v.Keep).Select(v => v.Backup));
        Assert.True(policy.Needs(1, Samples.Chain((7, 0, 10))[0]));
        Assert.False(policy.Needs(1, Samples.Chain((6, 0, 10))[0]));
        Assert.True(policy.Needs(2, Samples.Chain((1, 0, 10))[0])); // a later generation
    }

    [Fact]
    public void A_backup_past_the_window_keeps_only_its_own_part_of_the_tail()
    {
        var old = Samples.Backup(1, 0, (1, 0), (1, 50), verified: true);
        var policy = RetentionPolicy.Decide(
            [old, Samples.Backup(1, 40 * Day, (9, 0), (9, 10))], Rules with { Daily = 0, Weekly = 0, Monthly = 0 }, Samples.Time(50 * Day));
        Assert.Equal("newest verified", policy.Verdicts[0].Reason);
        Assert.True(policy.Needs(1, Samples.Chain((1, 0, 50))[0]));
        Assert.False(policy.Needs(1, Samples.Chain((1, 50, 60))[0]));
        Assert.False(policy.Needs(1, Samples.Chain((2, 0, 60))[0]));
    }

    [Fact]
    public void The_newest_and_the_newest_verified_stay_and_every_time_of_the_window_has_its_base() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNegativeInt[]>(), ArbMap.Default.ArbFor<NonNegativeInt>(),
        (times, later) =>
        {
            var seconds = times.Select(t => (long)t.Get * 7_000).Distinct().Order().ToList();
            var backups = seconds.Select((s, i) => Samples.Backup(1 + (i / 3), s, (i + 1, 0), (i + 1, 5), verified: i % 4 == 1)).ToList();
            var now = Samples.Time(seconds.DefaultIfEmpty(0).Last() + later.Get);
            var policy = RetentionPolicy.Decide(backups, Rules, now);
            var kept = policy.Verdicts.Where(v => v.Keep).Select(v => v.Backup).ToList();
            Assert.Equal(backups.Count, policy.Verdicts.Length);
            if (backups.Count > 0) Assert.Contains(backups[^1], kept);
            if (backups.LastOrDefault(b => b.Verification is not null) is { } verified) Assert.Contains(verified, kept);
            for (var at = now - Rules.Window; at <= now; at += TimeSpan.FromHours(7))
            {
                if (backups.LastOrDefault(b => b.Manifest.CompletedAt <= at) is { } needed) Assert.Contains(needed, kept);
            }
        }).QuickCheckThrowOnFailure();

    private static AofManifest Manifest(params long[] increments) =>
        new(null, [.. increments.Select(s => new AofManifestFile($"appendonly.aof.{s}.incr.aof", s, AofFileType.Increment))], []);

    private static IEnumerable<long> Next(TailDecision decision) =>
        Assert.IsType<TailDecision.Continue>(decision).Next.Select(f => f.Sequence);

    private static string Broken(TailDecision decision) => Assert.IsType<TailDecision.NewGeneration>(decision).Code;
}
