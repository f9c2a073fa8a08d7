using System.Globalization;
using Sidecars.TestKit.Processes;

namespace Sidecars.Container.Tests;

/// <summary>The shipped images as a whole group in containers. Each test leaves the group whole.</summary>
public sealed class GroupTests(ContainerGroup group) : IClassFixture<ContainerGroup>
{
    /// <summary>Writes before, and after, what is done to the group.</summary>
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
        // The names of the seed's scripts are the probe too.
        Assert.Equal(0, (await ContainerGroup.RunAsync(group.Pods[0].Redis, "/live_check.sh")).ExitCode);
        Assert.Equal(0, (await ContainerGroup.RunAsync(group.Sentinels[0], "/sentinel_check.sh")).ExitCode);
        // No Sentinel listens in a Redis pod.
        Assert.Equal(1, (await ContainerGroup.ProbeAsync(group.Pods[0].Redis, "readiness", "sentinel")).ExitCode);
        var wrong = await ContainerGroup.RunAsync(group.Pods[0].Redis, "env", "PROBE_TIMEOUT_MS=soon", "redis-probe", "liveness");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("PROBE_TIMEOUT_MS", wrong.Stdout + wrong.Stderr, StringComparison.Ordinal);
    }

    [EngineFact]
    public async Task A_container_has_the_rights_that_the_manifests_leave_it()
    {
        await group.WaitHealthyAsync();

        foreach (var container in group.Servers().Select(server => server.Container).Concat(group.Pods.Select(pod => pod.Sidecar)))
        {
            var status = (await ContainerGroup.RunAsync(container, "cat", "/proc/1/status")).Stdout.Split('\n').Select(line => line.Split('\t')).ToLookup(line => line[0], line => line[1..]);
            Assert.Equal(["999", "999", "999", "999"], status["Uid:"].Single());
            Assert.Equal(["999", "999", "999", "999"], status["Gid:"].Single());
            foreach (var set in (string[])["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"])
                Assert.Equal(0UL, ulong.Parse(status[set].Single()[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            Assert.Equal("1", status["NoNewPrivs:"].Single()[0]);
            foreach (var folder in (string[])["/", "/usr/local/bin", "/etc"])
                Assert.Contains("Read-only file system", (await ContainerGroup.RunAsync(container, "touch", folder + "/written")).Stderr, StringComparison.Ordinal);
        }
    }

    [EngineFact]
    public async Task A_killed_master_is_replaced_and_comes_back_as_a_replica_and_no_promised_write_is_lost()
    {
        await group.WaitHealthyAsync();
        var old = await MasterAsync();
        await using var writer = new AckedWriter(group, replicas: 2);
        writer.Start();
        await AwaitWritesAsync(writer);

        await Engine.Local.KillAsync(old.Redis.Id);
        writer.Replicas = 1;
        // The sidecar has the same probe and the same network.
        Assert.Equal(1, (await ContainerGroup.ProbeAsync(old.Sidecar, "readiness", "redis")).ExitCode);
        await Eventually.UntilAsync("another master", async () => await group.FindMasterAsync() is { } now && now != old);
        await AwaitWritesAsync(writer);
        var master = await MasterAsync();

        await old.Redis.StartAsync();
        await group.WaitHealthyAsync();
        Assert.Equal(["slave", master.Address, "6379", "connected"], (await ContainerGroup.RoleAsync(old))[..4]);
        await writer.StopAsync();
        Assert.Empty(await writer.MissingAsync(master));
        await Eventually.UntilAsync("all of it on the returned replica", async () => (await writer.MissingAsync(old)).Count == 0);
    }

    [EngineFact]
    public async Task A_master_that_is_stopped_as_kubelet_does_hands_over_first_and_loses_nothing()
    {
        await group.WaitHealthyAsync();
        var old = await MasterAsync();
        await using var writer = new AckedWriter(group, replicas: 0); // an OK is a promise here
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
    }

    private async Task<RedisPod> MasterAsync() => await group.FindMasterAsync() ?? throw new InvalidOperationException("no majority of Sentinels names a pod");

    private static Task AwaitWritesAsync(AckedWriter writer)
    {
        var before = writer.Count;
        return Eventually.UntilAsync("writes", () => writer.Count >= before + Some, seen: () => writer.LastFailure);
    }
}
