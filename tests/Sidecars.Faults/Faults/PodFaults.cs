using System.Globalization;
using Sidecars.Core.Redis;
using Sidecars.Faults.Checks;
using Sidecars.Faults.Hosts;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Faults;

/// <summary>What happens to pods as a whole: they go with network, address and what their names lead to, and come back as others.</summary>
internal sealed class PodFaults(HostGroup group)
{
    private static readonly TimeSpan FailoverPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WordPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);
    private const string LongestPause = "5000"; // ms; it ends with the switch

    /// <summary>The Redis' pod is gone at once, and so is its network.</summary>
    public async Task LoseAsync(Host host)
    {
        await Task.WhenAll(host.PodOfRedis.Select(container => container.KillAsync()));
        Forget(host.RedisNode);
    }

    /// <summary>Kubelet deletes the Redis' pod: the preStop hook, SIGTERM to Redis, then to the sidecar.</summary>
    public async Task DeleteAsync(Host host)
    {
        await StepDown.RunAsync(group, host);
        await host.Sidecar.TerminateAsync();
        if (host.Backup is { } backup) await backup.TerminateAsync();
        Forget(host.RedisNode);
    }

    /// <summary>Other pods take the places of those that are gone, with the volumes that are there.</summary>
    public void ComeBack(params IReadOnlyList<Host> hosts)
    {
        foreach (var host in hosts)
        {
            host.RedisNode.BecomeNewPod();
            foreach (var container in host.PodOfRedis) container.Release();
        }
    }

    /// <summary>Every Redis' pod and volume is gone.</summary>
    /// <returns>When that began.</returns>
    public async Task<long> LoseVolumesAsync()
    {
        if (group.Backup is { } backup) await backup.WaitUntilCoveredAsync();
        var began = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(group.Hosts.Select(LoseAsync));
        foreach (var host in group.Hosts) host.RedisNode.WipeData();
        return began;
    }

    /// <summary>The pods come back, and a person says in one of them that the group may start empty.</summary>
    public async Task AllowEmptyAsync()
    {
        ComeBack(group.Hosts);
        var node = group.Hosts[0].RedisNode;
        var program = Repository.NativeExecutable("redis-bootstrap");
        var start = new ServerStart(program, "allow-empty") { Environment = group.Group.EnvironmentOf(node) };
        await using var word = await ServerProcess.StartAsync(LocalGroup.At(node.Place, start));
        var code = await word.WaitForExitAsync(WordPatience);
        group.Notes.Enqueue($"allow-empty ended with {code}\n{word.Tail()}");
    }

    /// <summary>Every Sentinel's pod is gone; the result brings others.</summary>
    public async Task<Func<Task>> LoseSentinelsAsync()
    {
        await Task.WhenAll(group.Hosts.Select(host => host.Sentinel.KillAsync()));
        foreach (var host in group.Hosts) Forget(host.SentinelNode);
        return () =>
        {
            foreach (var host in group.Hosts)
            {
                host.SentinelNode.BecomeNewPod();
                host.Sentinel.Release();
            }

            return Task.CompletedTask;
        };
    }

    /// <summary>
    /// Every Sentinel's pod is gone, and a switch is made that none of them can end: one replica is promoted, the old master follows it,
    /// and the others go on following the old one. No write is lost.
    /// </summary>
    /// <returns>What brings other Sentinels.</returns>
    public async Task<Func<Task>> StrandAsync(Host old, Host promoted)
    {
        var comeBack = await LoseSentinelsAsync();
        await using var from = await group.Group.ConnectAsync(old.RedisNode, CallTimeout);
        await using var to = await group.Group.ConnectAsync(promoted.RedisNode, CallTimeout);
        await from.CallAsync(default, "CLIENT", "PAUSE", LongestPause, "WRITE");
        var goal = await OffsetAsync(from);
        await Eventually.UntilAsync("the replica to have everything", async () => await OffsetAsync(to) >= goal, CallTimeout);
        await to.CallAsync(default, "REPLICAOF", "NO", "ONE");
        var address = promoted.RedisNode.Endpoint;
        await from.CallAsync(default, "REPLICAOF", address.Host, address.Port.ToString(CultureInfo.InvariantCulture));
        await from.CallAsync(default, "CLIENT", "UNPAUSE");
        return comeBack;
    }

    /// <summary>
    /// A Redis' pod is gone and the group has a master without it; then another replica's pod is replaced by one at the address that is
    /// free now, and the master hands over to it.
    /// </summary>
    /// <returns>What came of it.</returns>
    public async Task<string> AddressToMasterAsync(Host host)
    {
        var address = host.RedisNode.Place.Own!.Host;
        await LoseAsync(host);
        Host? master = null;
        await Eventually.UntilAsync(
            "a master without the pod that is gone",
            async () => (await group.Group.ObserveAsync()).Master is not null && (master = await group.FindMasterAsync()) is not null
                && master != host,
            FailoverPatience);
        var heir = group.Hosts.First(h => h != host && h != master);
        await DeleteAsync(heir);
        heir.RedisNode.BecomeNewPod(System.Net.IPAddress.Parse(address));
        foreach (var container in heir.PodOfRedis) container.Release();
        ComeBack(host);
        await Eventually.UntilAsync("a whole group", async () => (await group.Group.ObserveAsync()).Problem is null, FailoverPatience);
        await StepDown.HandOverToAsync(group, master!, heir);
        return $"{heir} has {address} of {host} and {(await group.FindMasterAsync() == heir ? "is master" : "is no master")}";
    }

    /// <summary>
    /// The Redis' pod is gone, and another tenant's Redis comes up at its address: behind the Service's address too, where proxies do not
    /// hear of it; else a new pod of ours comes back at once at another address.
    /// </summary>
    public async Task<ActiveFault> StrangerAsync(ActiveFault fault, Host host, bool servicesFollow)
    {
        if (!servicesFollow) group.World.Services.Freeze();
        var address = host.RedisNode.Place.Own!;
        await LoseAsync(host);
        var pod = group.World.CreateStranger(host.Network, "stranger-0", System.Net.IPAddress.Parse(address.Host));
        var foreign = new ForeignTenant("foreign-password", new NodePlace(address, [.. pod.Enter]), group.Network.Switch.Transport);
        await foreign.PrepareAsync();
        await foreign.ComeUpAtAsync(address);
        if (servicesFollow) ComeBack(host);
        ActiveFault? active = null;
        active = fault with
        {
            EndAsync = async () =>
            {
                if (!await foreign.IsUntouchedAtAsync(address))
                    active!.Finding = new Violation("I7", "the other tenant's data were touched");
                await foreign.DisposeAsync();
                group.World.Delete(pod);
                if (servicesFollow) return;
                ComeBack(host);
                group.World.Services.Thaw();
            },
        };
        return active;
    }

    private static async Task<long> OffsetAsync(RedisClient client) =>
        InfoReply.TryParse(await client.CallAsync(default, "INFO", "replication"), out var info) && info.MasterReplOffset is { } offset
            ? offset
            : -1;

    private void Forget(LocalNode node)
    {
        group.World.Delete(node);
        group.Api.ForgetPod(node.Name);
    }
}
