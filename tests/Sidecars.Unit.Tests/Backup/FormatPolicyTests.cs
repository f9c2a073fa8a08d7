using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Upload;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>Which server loads which backup.</summary>
public class FormatPolicyTests
{
    [Theory]
    [InlineData("REDIS", 10, "REDIS", 10, "loads")]
    [InlineData("REDIS", 9, "REDIS", 10, "loads")]
    [InlineData("REDIS", 12, "REDIS", 10, "refused")]
    [InlineData("REDIS", 11, "VALKEY", 80, "loads")]
    [InlineData("REDIS", 12, "VALKEY", 80, "note")]
    [InlineData("VALKEY", 80, "REDIS", 12, "refused")]
    [InlineData("VALKEY", 81, "VALKEY", 80, "refused")]
    public void A_format_that_the_server_does_not_read_is_refused_with_both_named(
        string family, int version, string targetFamily, int target, string expected)
    {
        var decided = FormatPolicy.Decide(
            Manifest(new RdbFormat(family, version)), new TargetServer("Redis 7.0.15", new RdbFormat(targetFamily, target)));
        Assert.Equal(expected, decided.Refusal is not null ? "refused" : decided.Note is not null ? "note" : "loads");
        if (decided.Refusal is { } refusal)
            foreach (var named in (string[])["Valkey 9.1.2", $"RDB {family} {version}", "Redis 7.0.15", $"RDB {targetFamily} {target}"])
                Assert.Contains(named, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_known_is_a_note_and_a_base_of_commands_has_no_format()
    {
        var target = new TargetServer("Redis 7.0.15", new RdbFormat("REDIS", 10));
        var old = FormatPolicy.Decide(Manifest(null) with { ServerProduct = "" }, target);
        Assert.Equal((null, true), (old.Refusal, old.Note!.Contains("server 9.1.2", StringComparison.Ordinal)));
        var unasked = FormatPolicy.Decide(Manifest(new RdbFormat("REDIS", 12)), null, "no such file");
        Assert.Equal((null, true), (unasked.Refusal, unasked.Note!.Contains("no such file", StringComparison.Ordinal)));
        var commands = Manifest(null) with { Base = new BaseFile("appendonly.aof.1.base.aof", 9, new string('a', 64)) };
        Assert.Equal(new FormatPolicy(null, null), FormatPolicy.Decide(commands, target));
        Assert.Equal(new FormatPolicy(null, null), FormatPolicy.Decide(Manifest(null) with { Base = null }, target));
    }

    [Theory]
    [InlineData(89, 457_000_000, 24, true)] // the one of the fault
    [InlineData(89, 200_000_000, 24, false)] // below the least
    [InlineData(1_000_000_000, 3_900_000_000, 24, false)]
    [InlineData(1_000_000_000, 4_100_000_000, 24, true)]
    [InlineData(89, 9_000_000_000, 0, false)] // not twice an hour
    public void A_base_is_due_where_the_tail_outgrows_it(long baseBytes, long tailBytes, int hours, bool expected)
    {
        var options = new UploaderOptions { Node = "n" };
        Assert.Equal(expected, BasePolicy.IsOutgrown(baseBytes, tailBytes, TimeSpan.FromHours(hours), options));
        Assert.False(BasePolicy.IsOutgrown(baseBytes, tailBytes, TimeSpan.FromHours(hours), options with { BaseTailFactor = 0 }));
        // the last rewrite's again
        Assert.False(BasePolicy.IsOutgrown(baseBytes, tailBytes, TimeSpan.FromHours(hours), options with { Rewrite = false }));
    }

    private static BackupManifest Manifest(RdbFormat? format) =>
        Samples.Backup(1, 5, (1, 0), (1, 0)).Manifest with { ServerProduct = "Valkey", ServerVersion = "9.1.2", Format = format };
}
