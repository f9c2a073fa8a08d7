using Sidecars.Core.Hosting;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Tenant;

/// <summary>
/// The whole product on this machine: a group, beside each Redis <c>redis-failover run</c>, which publishes the master to a zone file, and
/// <c>redis-backup run</c>, which ships to a folder. What is a pod in Kubernetes, a Redis with both sidecars, starts and dies together.
/// </summary>
internal sealed class LocalTenant : IAsyncDisposable
{
    private static readonly TimeSpan HookDeadline = TimeSpan.FromSeconds(40); // its own time-out below, and its start on a busy machine
    private readonly Dictionary<LocalNode, LocalSidecars> _sidecars;

    /// <summary>Nothing of it runs until it is started.</summary>
    public LocalTenant(LocalGroup group)
    {
        Group = group;
        Directory.CreateDirectory(StoreFolder); // redis-backup never creates it
        Record = new PublishedRecord(Path.Combine(group.Folder, "zone"), group);
        _sidecars = group.Redis.ToDictionary(node => node, node => new LocalSidecars(group, node, FreePort.Next(), FreePort.Next()));
        foreach (var node in group.Redis)
        {
            node.Environment["RESTORE_ON_EMPTY"] = "true";
            node.Environment["RESTORE_COMMAND"] = LocalSidecars.Backup;
            node.Environment["BACKUP_STORE"] = StoreFolder;
            node.Environment["DNS_NAME"] = PublishedRecord.Name;
            node.Environment["ZONE_FILE"] = Record.File;
        }
    }

    public LocalGroup Group { get; }

    /// <summary>What <c>redis-failover run</c> publishes.</summary>
    public PublishedRecord Record { get; }

    /// <summary>Where <c>redis-backup run</c> ships to.</summary>
    public string StoreFolder => Path.Combine(Group.Folder, "store");

    /// <summary>Of a Redis.</summary>
    public LocalSidecars SidecarsOf(LocalNode node) => _sidecars[node];

    /// <summary>Everything that runs, with its name.</summary>
    public IEnumerable<(string Name, ServerProcess Process)> Processes =>
        [.. Kept.ProcessesOf(Group), .. _sidecars.Values.SelectMany(sidecars => sidecars.Processes)];

    /// <summary>Starts every Redis and Sentinel, then the sidecars; returns long before they have found their roles.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await Group.StartAsync(cancellation: cancellation);
        await Task.WhenAll(_sidecars.Values.Select(sidecars => sidecars.StartAsync()));
    }

    /// <summary>SIGKILL to every process of a Redis' pod.</summary>
    public Task KillPodAsync(LocalNode node) => Task.WhenAll(node.KillAsync(), _sidecars[node].KillAsync());

    /// <summary>A new pod of its name starts on its volume, whatever that holds.</summary>
    public async Task StartPodAsync(LocalNode node)
    {
        node.BecomeNewPod();
        await node.StartAsync();
        await _sidecars[node].StartAsync();
    }

    /// <summary>Runs the preStop hook of a Redis' pod.</summary>
    /// <exception cref="InvalidOperationException">It moved nothing where it should have.</exception>
    public async Task StepDownAsync(LocalNode node)
    {
        await using var hook = await Group.StartFailoverAsync(node, ["step-down", "--timeout", "25s"]);
        var code = await hook.WaitForExitAsync(HookDeadline);
        if (code != ExitCode.Ok)
            throw new InvalidOperationException(FormattableString.Invariant($"step-down of {node} ended with {code}\n{hook.Tail(5)}"));
    }

    /// <summary>Waits until the store holds everything that was written before the call.</summary>
    public async Task ShippedAsync(TimeSpan deadline, CancellationToken cancellation)
    {
        var now = TimeProvider.System.GetUtcNow();
        await Eventually.UntilAsync(
            "everything written so far to be in the store",
            async () => await StoreLook.CoveredUntilAsync(Group, StoreFolder, cancellation) > now, deadline, cancellation: cancellation);
    }

    /// <summary>Ends the sidecars, unless the group is to run on; the group is its owner's.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Group.KeepRunning) return;
        foreach (var sidecars in _sidecars.Values) await sidecars.DisposeAsync();
    }
}
