using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// A volume whose files a server does not load, played as kubelet plays it: what ends is started again. Beside a healthy master the files
/// are kept in a rescue and the master fills the node; the group's only copy is never touched.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class DamagedDataTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static TheoryData<string, int> Damages => new()
    {
        // How it is damaged, and how often the server ends before the files go: 0 where bootstrap sees the damage itself.
        { "zeros behind the newest increment", 0 },
        { "empty manifest", 0 },
        { "missing increment", 0 },
        { "a flipped byte in the base", LoadPolicy.MaxFailedStarts },
        { "a base of a newer version", LoadPolicy.MaxFailedStarts },
        { "a cut base", 0 },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_replica_beside_a_healthy_master_is_filled_by_it(string damage, int failedStarts)
    {
        await using var group = await StartAsync($"damaged-{damage.Replace(' ', '-')}");
        var state = await group.ObserveAsync();
        var (master, replica) = (state.Master!.Node, state.Redis.First(r => !r.IsMaster).Node);
        await replica.KillAsync();
        replica.Damage(damage);

        var ends = await RestartAsKubeletDoesAsync(group, replica);
        state = await group.ObserveAsync();
        Assert.Equal(master, state.Master!.Node);
        Assert.Equal(failedStarts, ends);
        await group.AssertAllKeysEverywhereAsync();
        var rescue = Assert.Single(new RescueStore(replica.DataFolder, new RescueLimits(3, long.MaxValue)).List());
        Assert.Contains(failedStarts == 0 ? "not to be trusted" : "never came to serve", rescue.Reason, StringComparison.Ordinal);
        Assert.Single(replica.Process!.Events("data-put-aside"));
        await AssertCountedAsync(group, replica);
    }

    [Fact]
    public async Task The_only_copy_is_kept_and_a_person_is_told()
    {
        await using var group = await StartAsync("damaged-only-copy");
        await Task.WhenAll(group.All.Select(node => node.KillAsync()));
        foreach (var node in group.Redis)
        {
            node.Damage("a base of a newer version");
            node.WipeConfig();
        }

        var before = Directory.GetFiles(Path.Combine(group.Redis[0].DataFolder, "appendonlydir")).Order().ToArray();
        foreach (var sentinel in group.Sentinels) sentinel.WipeConfig();
        await group.StartAsync(group.All);
        LocalNode? told = null;
        await Eventually.UntilAsync(
            "a node that says why it does not start",
            async () =>
            {
                foreach (var node in group.Redis.Where(n => !n.Running)) await node.StartAsync();
                told = group.Redis.FirstOrDefault(n => n.Process!.Codes().Contains("data-not-loaded"));
                return told is not null;
            },
            Patience * 2);
        var said = told!.Process!.Decisions().First(d => d.Code == "data-not-loaded");
        Assert.Contains("3 times", said.Reason, StringComparison.Ordinal);
        Assert.Contains("damaged-data", said.WaitingFor, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(Path.Combine(group.Redis[0].DataFolder, "appendonlydir")).Order().ToArray());
    }

    // By a sidecar that starts afterwards, too: it counts what is on the volume.
    private static async Task AssertCountedAsync(LocalGroup group, LocalNode node)
    {
        var port = FreePort.Next();
        await using var sidecar = await group.StartFailoverAsync(node, ["run"], [KeyValuePair.Create("METRICS_PORT", $"{port}")]);
        using var http = new HttpClient();
        string[] shown = [];
        await sidecar.WaitUntilAsync("the rescue to be counted", async () =>
        {
            try
            {
                shown = (await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"))).Split('\n');
                return shown.Contains("sidecars_failover_rescues 1");
            }
            catch (HttpRequestException)
            {
                return false; // it does not listen yet
            }
        }, Patience);
        Assert.Contains(shown, line => line.StartsWith("sidecars_failover_rescue_age_seconds ", StringComparison.Ordinal));
    }

    private static async Task<LocalGroup> StartAsync(string name)
    {
        var group = new LocalGroup(new LocalGroupOptions { Name = name });
        var state = await group.StartHealthyAsync();
        await group.WriteKeysAsync(state.Master!.Node, replicas: 2);
        await Eventually.UntilAsync("every AOF to be written", async () =>
        {
            var files = await Task.WhenAll(group.Redis.Select(async node =>
            {
                await using var client = await group.ConnectAsync(node, TimeSpan.FromSeconds(5));
                var info = (await client.CallAsync(default, "INFO", "persistence")).Text;
                return info.Contains("aof_buffer_length:0", StringComparison.Ordinal)
                    && info.Contains("aof_rewrite_in_progress:0", StringComparison.Ordinal);
            }));
            return files.All(written => written);
        });
        return group;
    }

    // Until it is a linked replica; how often it ended before that.
    private static async Task<int> RestartAsKubeletDoesAsync(LocalGroup group, LocalNode node)
    {
        var starts = 0;
        await Eventually.UntilAsync(
            "a whole group",
            async () =>
            {
                if (node.Running) return (await group.ObserveAsync()).LinkedReplicas == group.Redis.Length - 1;
                await node.StartAsync();
                starts++;
                return false;
            },
            Patience);
        return starts - 1;
    }
}
