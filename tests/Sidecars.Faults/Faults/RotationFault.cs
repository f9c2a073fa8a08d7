using Sidecars.Core.Redis;
using Sidecars.Faults.Checks;
using Sidecars.Faults.Hosts;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Faults;

/// <summary>
/// Every password of the group is rotated as the runbook rotate-password has it, and a Redis' pod is lost in the middle of one half: while
/// the new Secret reaches the nodes, or while the one without the old passwords does.
/// </summary>
internal sealed class RotationFault(HostGroup group, PodFaults pods)
{
    // another fault may last until the middle of it; the sidecars look every 30 s
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan LookPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CommandPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LoginPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Gone = TimeSpan.FromSeconds(1);
    private static readonly bool[] Halves = [false, true];

    /// <summary>Begins; the whole rotation is a part of the fault, so that its end waits for it.</summary>
    public ActiveFault Begin(ActiveFault fault)
    {
        var secrets = group.Secrets ?? throw new InvalidOperationException("the group has no passwords");
        var active = fault with { Losses = Losses.None };
        var rotating = Task.Run(() => RotateAsync(active, secrets));
        active.EndAsync = () => rotating;
        return active;
    }

    private async Task RotateAsync(ActiveFault active, NodeSecrets secrets)
    {
        var (before, after) = (group.PasswordAge, group.OtherPasswordAge);
        var losesInSecond = active.Step.Of(Halves);
        await SpreadAsync(active, node => secrets.Put(node, after, before), loses: !losesInSecond);
        var waits = await WaitAsync("ready");
        if (waits is null)
        {
            // It reads the sidecars' password when it starts (runbook).
            foreach (var backup in group.Hosts.Select(host => host.Backup).OfType<Container>())
            {
                await backup.KillAsync();
                backup.Release();
            }

            await SpreadAsync(active, node => secrets.Put(node, after, null), loses: losesInSecond);
            waits = await WaitAsync("settled") ?? await StillAcceptedAsync(before);
            group.PasswordAge = after;
        }

        if (waits is not null) active.Finding = new Violation("I10", $"the rotation came to no end: {waits}");
    }

    // Secrets reach the nodes one after the other, within the time of the fault.
    private async Task SpreadAsync(ActiveFault active, Action<LocalNode> put, bool loses)
    {
        var nodes = group.Group.All.ToArray();
        for (var i = 0; i < nodes.Length; i++)
        {
            await Task.Delay(active.Step.Lasts / nodes.Length, TimeProvider.System);
            put(nodes[i]);
            if (loses && i == active.Step.Pick % nodes.Length) await LoseAsync(active);
        }
    }

    private async Task LoseAsync(ActiveFault active)
    {
        var master = await group.FindMasterAsync();
        var isMaster = active.Step.Target == FaultTarget.Master;
        var host = isMaster ? master ?? group.Hosts[0] : group.Hosts.First(h => h != master);
        (active.Began, active.Met) = (TimeProvider.System.GetTimestamp(), $"{host}{(isMaster ? " (master)" : "")}");
        if (isMaster) active.Losses = Losses.AtBegin;
        await pods.LoseAsync(host);
        await Task.Delay(Gone, TimeProvider.System);
        pods.ComeBack(host);
    }

    // Until every sidecar's own look says so; else what one says.
    private async Task<string?> WaitAsync(string code)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var said = await Task.WhenAll(group.Hosts.Select(PasswordsAsync));
            if (said.All(line => line.StartsWith(code + ":", StringComparison.Ordinal))) return null;
            if (TimeProvider.System.GetElapsedTime(began) > Patience) return $"not {code}: {string.Join("; ", said)}";
            await Task.Delay(LookPause, TimeProvider.System);
        }
    }

    private async Task<string> PasswordsAsync(Host host)
    {
        var start =
            new ServerStart(Repository.NativeExecutable("redis-failover"), "passwords") { Environment = group.SidecarEnvironment(host) };
        await using var command = await ServerProcess.StartAsync(LocalGroup.At(host.RedisNode.Place, start));
        try
        {
            var code = await command.WaitForExitAsync(CommandPatience);
            return command.Output.Count > 0 ? command.Output[^1] : FormattableString.Invariant($"{host} ended with {code}");
        }
        catch (TimeoutException)
        {
            return $"{host} said nothing";
        }
    }

    private async Task<string?> StillAcceptedAsync(string age)
    {
        var accepts = await Task.WhenAll(group.Group.All.Select(async node => (Node: node, Accepts: await AcceptsAsync(node, age))));
        var still = accepts.Where(one => one.Accepts).Select(one => one.Node).ToArray();
        return still.Length == 0 ? null : $"the old password still works at {string.Join(", ", still.Select(node => node.Name))}";
    }

    private async Task<bool> AcceptsAsync(LocalNode node, string age)
    {
        var password = NodeSecrets.Password(age, node.Kind == LocalNodeKind.Redis ? "redis-password" : "sentinel-password");
        var options = new RedisClientOptions
        { Credentials = [new RedisCredential(null, password)], ConnectTimeout = LoginPatience, CommandTimeout = LoginPatience };
        try
        {
            await using var client = await RedisClient.ConnectAsync(group.World.Observe(node.Endpoint), options, default);
            return true;
        }
        catch (RedisConnectionException)
        {
            return false; // refused, or not there at the moment: the group's look says that
        }
    }
}
