using System.Globalization;
using DotNet.Testcontainers.Containers;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Container.Tests;

/// <summary>The shipped images as a whole group in containers. Each test leaves the group healthy.</summary>
public sealed class GroupTests(ContainerGroup group, ITestOutputHelper output) : IClassFixture<ContainerGroup>
{
    /// <summary>Acknowledged writes to await before and after a fault.</summary>
    private const int Some = 100;

    [EngineFact]
    public async Task A_group_from_nothing_has_one_master_and_replicas_linked_to_it()
    {
        await group.WaitHealthyAsync();

        var master = await MasterAsync();
        foreach (var pod in group.Pods)
        {
            var role = await ContainerGroup.RoleAsync(pod);
            if (pod == master) Assert.Equal("master", role[0]);
            else Assert.Equal(["slave", master.Address, "6379", "connected"], role[..4]);
        }
    }

    [EngineFact]
    public async Task Every_probe_passes_in_its_container_and_says_by_its_exit_code_what_is_wrong()
    {
        await group.WaitHealthyAsync();

        foreach (var (container, role) in group.Servers())
            foreach (var kind in (string[])["startup", "liveness", "readiness"])
                Assert.Equal(0, (await ContainerGroup.ProbeAsync(container, kind, role)).ExitCode);
        // The seed image's script names are links to the probe.
        Assert.Equal(0, (await ContainerGroup.RunAsync(group.Pods[0].Redis, "/live_check.sh")).ExitCode);
        Assert.Equal(0, (await ContainerGroup.RunAsync(group.Sentinels[0], "/sentinel_check.sh")).ExitCode);
        // No Sentinel runs in a Redis pod.
        Assert.Equal(1, (await ContainerGroup.ProbeAsync(group.Pods[0].Redis, "readiness", "sentinel")).ExitCode);
        var wrong = await ContainerGroup.RunAsync(group.Pods[0].Redis, "env", "PROBE_TIMEOUT=soon", "redis-probe", "liveness");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("PROBE_TIMEOUT", wrong.Stdout + wrong.Stderr, StringComparison.Ordinal);
    }

    [EngineFact]
    public async Task A_container_has_the_rights_that_the_manifests_leave_it()
    {
        await group.WaitHealthyAsync();

        foreach (var container in group.Servers().Select(server => server.Container).Concat(group.Pods.Select(pod => pod.Sidecar)))
        {
            var status = await StatusAsync(container);
            Assert.Equal("999\t999\t999\t999", status["Uid"]);
            Assert.Equal("999\t999\t999\t999", status["Gid"]);
            foreach (var set in (string[])["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
                Assert.Equal(0UL, ulong.Parse(status[set], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            Assert.Equal("1", status["NoNewPrivs"]);
            foreach (var folder in (string[])["/", "/usr/local/bin", "/etc"])
            {
                var written = await ContainerGroup.RunAsync(container, "touch", folder + "/written");
                Assert.Contains("Read-only file system", written.Stderr, StringComparison.Ordinal);
            }
        }
    }

    [EngineFact]
    public async Task A_killed_master_is_replaced_and_returns_as_a_replica_and_no_write_that_both_replicas_had_is_lost()
    {
        await group.WaitHealthyAsync();
        var old = await MasterAsync();
        await using var writer = new AckedWriter(group, replicas: 2);
        writer.Start();
        await AwaitWritesAsync(writer);

        await Engine.Local.KillAsync(old.Redis.Id);
        writer.Replicas = 1;
        // The sidecar's container has the same probe and the same network.
        Assert.Equal(1, (await ContainerGroup.ProbeAsync(old.Sidecar, "readiness", "redis")).ExitCode);
        await Eventually.UntilAsync("another master", async () => await group.FindMasterAsync() is { } now && now != old);
        await AwaitWritesAsync(writer);
        var master = await MasterAsync();

        await old.Redis.StartAsync();
        await group.WaitHealthyAsync();
        Assert.Equal(["slave", master.Address, "6379", "connected"], (await ContainerGroup.RoleAsync(old))[..4]);
        await writer.StopAsync();
        Assert.Empty(await writer.MissingAsync(master));
        await Eventually.UntilAsync("every write on the returned replica", async () => (await writer.MissingAsync(old)).Count == 0);
        output.WriteLine($"{writer.Count} acknowledged writes");
    }

    [EngineFact]
    public async Task A_master_that_is_stopped_as_kubelet_does_hands_over_first_and_loses_nothing()
    {
        await group.WaitHealthyAsync();
        var old = await MasterAsync();
        await using var writer = new AckedWriter(group, replicas: 0); // OK suffices: a hand-over loses nothing
        writer.Start();
        await AwaitWritesAsync(writer);

        var stepDown = await ContainerGroup.RunAsync(old.Redis, "redis-failover", "step-down", "--timeout", "25s");
        Assert.True(stepDown.ExitCode == 0, stepDown.Stdout + stepDown.Stderr);
        await old.Redis.StopAsync();
        Assert.Equal(0, await old.Redis.GetExitCodeAsync());
        await AwaitWritesAsync(writer);
        var master = await MasterAsync();
        Assert.NotEqual(old, master);

        await old.Redis.StartAsync();
        await group.WaitHealthyAsync();
        await writer.StopAsync();
        Assert.Empty(await writer.MissingAsync(master));
        output.WriteLine($"{writer.Count} acknowledged writes");
    }

    private async Task<RedisPod> MasterAsync() =>
        await group.FindMasterAsync() ?? throw new InvalidOperationException("no majority of the Sentinels names a pod");

    /// <summary><c>/proc/1/status</c>: of the process that redis-bootstrap became, or of the sidecar.</summary>
    private static async Task<Dictionary<string, string>> StatusAsync(IContainer container) =>
        (await ContainerGroup.RunAsync(container, "cat", "/proc/1/status")).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(":\t", 2)).ToDictionary(field => field[0], field => field[^1]);

    private static Task AwaitWritesAsync(AckedWriter writer)
    {
        var before = writer.Count;
        return Eventually.UntilAsync("writes", () => writer.Count >= before + Some, seen: () => writer.LastFailure);
    }
}
