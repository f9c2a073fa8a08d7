using Sidecars.Core.Redis;
using Sidecars.Faults.Checks;
using Sidecars.Faults.Hosts;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Faults;

/// <summary>What happens to volumes while their servers live, and to files while they do not.</summary>
/// <param name="group">Whose.</param>
/// <param name="pods">Loses pods and brings them back.</param>
/// <param name="acks">Of clients; null: nobody writes.</param>
internal sealed class DiskFaults(HostGroup group, PodFaults pods, AckLog? acks)
{
    private const string Refusal = "MISCONF";
    private static readonly TimeSpan FailoverPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Silent = TimeSpan.FromSeconds(2); // no write is acknowledged: the group does not go on
    // a server on a busy machine, and the second after which it flushes
    private static readonly TimeSpan SayingTakes = TimeSpan.FromSeconds(3);

    /// <summary>Volumes are full; ended, they have room again.</summary>
    public async Task<ActiveFault> FillAsync(ActiveFault fault, params IReadOnlyList<Host> hosts)
    {
        var disks = hosts.Select(host => group.Disks[host.Network.Index]).ToArray();
        await Task.WhenAll(disks.Select(disk => Task.Run(disk.Fill)));
        ActiveFault? active = null;
        active = fault with
        {
            EndAsync = async () =>
            {
                try
                {
                    active!.Finding = await SilenceAsync(fault.Began);
                }
                finally
                {
                    foreach (var disk in disks) disk.Empty();
                }
            },
        };
        return active;
    }

    /// <summary>
    /// A Redis' pod is lost and, before another starts on its volume, a file there is damaged. A master's is only damaged once it has a
    /// successor: the group's only copy is another story (the end of <c>damaged-data</c>).
    /// </summary>
    public async Task<ActiveFault> DamageAsync(ActiveFault fault, Host host)
    {
        var damage = fault.Step.Of(DataDamage.All);
        await pods.LoseAsync(host);
        try
        {
            await Eventually.UntilAsync(
                "a master without the pod that is gone",
                async () => (await group.Group.ObserveAsync()).Master is { } master && master.Node != host.RedisNode,
                FailoverPatience,
                () => group.Tails(20));
            host.RedisNode.Damage(damage);
        }
        catch
        {
            pods.ComeBack(host);
            throw;
        }

        return fault with
        {
            Met = $"{fault.Met}: {damage}",
            EndAsync = () =>
            {
                pods.ComeBack(host);
                return Task.CompletedTask;
            },
        };
    }

    // A group that takes no writes because its disks are full says so to whoever writes.
    private async Task<Violation?> SilenceAsync(long began)
    {
        if (acks is null || acks.CurrentGap < Silent || TimeProvider.System.GetElapsedTime(began) < SayingTakes) return null;
        var answers = await Task.WhenAll(group.Hosts.Select(AnswerAsync));
        return answers.Any(answer => answer.StartsWith(Refusal, StringComparison.Ordinal))
            ? null
            : new Violation("I9", FormattableString.Invariant(
                $"no write is acknowledged for {acks.CurrentGap.TotalSeconds:0.0} s, and none is refused with {Refusal}: ")
                + string.Join(", ", answers));
    }

    // Changes nothing, and passes all checks of a write.
    private async Task<string> AnswerAsync(Host host)
    {
        try
        {
            await using var client = await group.Group.ConnectAsync(host.RedisNode, CallTimeout);
            var reply = await client.CallAsync(default, "SET", "sidecars:probe:never-set", "", "XX");
            return reply.IsNull ? $"{host} accepts" : reply.Text;
        }
        catch (RedisConnectionException e)
        {
            return $"{host}: {e.Message}";
        }
    }
}
