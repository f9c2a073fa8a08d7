using System.Diagnostics;
using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// A master is dead, and its connections stand: a child that saves a snapshot holds them (out of memory is met there more often than
/// elsewhere), as the kernel does while it frees gigabytes. Nobody reads an end, and no connection tells.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class DyingMasterTests
{
    [Fact]
    public async Task A_master_whose_child_holds_its_connections_is_replaced_at_once()
    {
        // Longer than this test waits for another master: Sentinel alone would be too late.
        var (rig, master) = await SidecarRig.StartAsync("dying", downAfter: TimeSpan.FromMinutes(1));
        await using var _1 = rig;
        await rig.Sidecar(master).WaitForLineAsync(
            line => line.Contains("its death is known before its connections end", StringComparison.Ordinal), "it to see the process");
        await rig.CallAsync(master, "MSET", "a", "1", "b", "2");
        await rig.CallAsync(master, "CONFIG", "SET", "rdb-key-save-delay", "60000000"); // microseconds
        await rig.CallAsync(master, "BGSAVE");
        var parent = master.Process!.Pid;
        using var child = Process.GetProcessById(
            int.Parse(File.ReadAllText($"/proc/{parent}/task/{parent}/children").Split(' ')[0], CultureInfo.InvariantCulture));
        try
        {
            master.Process.Kill();
            await rig.WaitDecisionAsync(master, "death", "succeed");
            var next = await rig.WaitMasterAfterAsync(master);
            Assert.False(child.HasExited, "the child has ended, and with it the connections");
            await rig.WaitPublishedAsync(next);
        }
        finally
        {
            child.Kill();
        }
    }
}
