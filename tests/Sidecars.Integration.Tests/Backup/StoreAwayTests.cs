using System.Globalization;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>The store is away for a while: Redis never waits, memory and disk are bounded, and what waits is caught up with.</summary>
public class StoreAwayTests
{
    private const double MostResidentKb = 160 * 1024; // of a runtime that compiles; the native one takes a quarter

    [Fact]
    public async Task What_waits_within_the_bound_is_caught_up_with_in_one_stream()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        await TakeAwayAsync(rig, sidecar);
        var value = new string('x', 100_000);
        for (var i = 0; i < 300; i++)
        {
            await BackupRig.CallAsync(client, "SET", $"key{i % 100}", value + i.ToString(CultureInfo.InvariantCulture));
            if (i % 100 != 99) continue;
            await BackupRig.RewriteAsync(client); // the server deletes what waits; open handles keep it
            // Two rewrites within one look would take a file away unseen, which is another test's case.
            await Eventually.UntilAsync("the new file to be held", () => HoldsNewest(rig, sidecar));
        }

        GiveBack(rig);
        await rig.WaitUntilCoveredAsync();
        // said once the step is done, a moment after it can be seen in the store
        await sidecar.WaitForLineAsync(line => line.Contains("\"recovered\"", StringComparison.Ordinal), "that the store answers again");
        Assert.DoesNotContain(sidecar.Output, line => line.Contains("generation_ended", StringComparison.Ordinal));
        Assert.InRange(PeakKb(sidecar), 1, MostResidentKb);
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
    }

    [Fact]
    public async Task Beyond_the_bound_the_stream_is_given_up_for_a_new_base()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using var sidecar = await rig.StartSidecarAsync(("BACKUP_MAX_PENDING_MIB", "1"));
        await rig.WaitForBackupsAsync(1);
        await TakeAwayAsync(rig, sidecar);
        for (var i = 0; i < 30; i++) await BackupRig.CallAsync(client, "SET", $"key{i}", new string('x', 100_000));
        await BackupRig.RewriteAsync(client);
        await sidecar.WaitForLineAsync(line => line.Contains("too_far_behind", StringComparison.Ordinal), "it gives the stream up");
        await Eventually.UntilAsync("no deleted file to be held any more", () => !HoldsDeleted(sidecar)); // the disk has its room back
        GiveBack(rig);
        await rig.WaitForBackupsAsync(2);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
    }

    // A file where its directory should be: root may write everywhere else.
    private static async Task TakeAwayAsync(BackupRig rig, ServerProcess sidecar)
    {
        Directory.Move(rig.StorePath, rig.StorePath + ".away");
        await File.WriteAllTextAsync(rig.StorePath, "");
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "away", "1");
        // By its next segment, or by the look at what it has stored that follows a base.
        await sidecar.WaitForLineAsync(
            line => line.Contains("store_failed", StringComparison.Ordinal)
                || line.Contains("is not a directory", StringComparison.Ordinal),
            "it notices");
    }

    private static void GiveBack(BackupRig rig)
    {
        File.Delete(rig.StorePath);
        Directory.Move(rig.StorePath + ".away", rig.StorePath);
    }

    private static bool HoldsDeleted(ServerProcess process) =>
        Held(process).Any(t => t.Contains(".aof", StringComparison.Ordinal) && t.EndsWith("(deleted)", StringComparison.Ordinal));

    private static bool HoldsNewest(BackupRig rig, ServerProcess process)
    {
        var newest = Directory.GetFiles(Path.Combine(rig.Redis.Folder, "appendonlydir"), "*.incr.aof")
            .MaxBy(file => int.Parse(file.Split('.')[^3], CultureInfo.InvariantCulture));
        return newest is not null && Held(process).Contains(newest);
    }

    private static IEnumerable<string> Held(ServerProcess process) =>
        Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/fd"))
            .Select(f => new FileInfo(f).LinkTarget).OfType<string>();

    private static double PeakKb(ServerProcess process) =>
        double.Parse(File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/status"))
            .First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);
}
