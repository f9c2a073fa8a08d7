using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Groups;

/// <summary>What a node runs.</summary>
public enum LocalNodeKind
{
    /// <summary>redis-bootstrap redis.</summary>
    Redis,

    /// <summary>redis-bootstrap sentinel.</summary>
    Sentinel,
}

/// <summary>
/// One member of a <see cref="LocalGroup"/>: what a pod is in Kubernetes. Its data and its configuration folder outlive its
/// processes, of which there is at most one at a time.
/// </summary>
public sealed class LocalNode
{
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RepeatSigterm = TimeSpan.FromSeconds(1);
    private readonly Func<LocalNode, ServerStart> _start;
    private readonly Pods.PodWorld? _pods;

    internal LocalNode(
        LocalNodeKind kind, int index, NodePlace place, TempFolder folder, Func<LocalNode, ServerStart> start, Pods.PodWorld? pods)
    {
        (Kind, Index, Place, _start, _pods) = (kind, index, place, start, pods);
        Name = (kind == LocalNodeKind.Redis ? "redis-" : "sentinel-") + index;
        DataFolder = folder.Folder(Name, "data");
        ConfigFolder = folder.Folder(Name, "run");
        LogFile = folder.File(Name, "log");
    }

    /// <summary>Redis or Sentinel.</summary>
    public LocalNodeKind Kind { get; }

    /// <summary>0-based, within its kind.</summary>
    public int Index { get; }

    /// <summary><c>redis-0</c>, <c>sentinel-2</c>: NODE_NAME.</summary>
    public string Name { get; }

    /// <summary>
    /// Where it is, also over restarts, until it moves; where the node is a pod (<see cref="Pods.PodWorld"/>), another pod is somewhere
    /// else.
    /// </summary>
    public NodePlace Place { get; internal set; }

    /// <summary>Where it is reached.</summary>
    public RedisEndpoint Endpoint => Place.Endpoint;

    /// <summary>True for an address that leads to it.</summary>
    public bool IsAt(RedisEndpoint? address) => address is not null && (address == Endpoint || address == Place.Own);

    /// <summary>The pod's own address, which is not the announced one: loopback, where the server of this port answers too.</summary>
    public string PodAddress => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"127.0.1.{Index + 1}");

    /// <summary>POD_UID in a group with an API server; a container's restart keeps it, <see cref="BecomeNewPod"/> does not.</summary>
    public string PodUid { get; private set; } = Guid.NewGuid().ToString();

    /// <summary>DATA_DIR.</summary>
    public string DataFolder { get; }

    /// <summary>CONFIG_DIR: generated configuration and heartbeat.</summary>
    public string ConfigFolder { get; }

    /// <summary>Output of a detached node; other nodes' is in <see cref="Process"/>.</summary>
    public string LogFile { get; }

    /// <summary>The last process, running or not; null before the first start.</summary>
    public ServerProcess? Process { get; private set; }

    /// <summary>True while a process runs; whether it answers is another question.</summary>
    public bool Running => Process is { Running: true };

    /// <summary>Variables for the next start; they override those of the group.</summary>
    public IDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

    /// <summary>Starts redis-bootstrap; returns once it has a pid, long before the node has a role.</summary>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public async Task StartAsync()
    {
        if (Running) throw new InvalidOperationException($"{Name} runs already (pid {Process!.Pid}).");
        // The old one is disposed last: others may ask meanwhile whether it runs.
        var old = Process;
        if (old is not null) _pods?.StartsAgain(this);
        Process = await ServerProcess.StartAsync(_start(this));
        if (old is not null) await old.DisposeAsync();
    }

    /// <summary>SIGKILL, and waits for its end.</summary>
    public Task KillAsync() => Process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>
    /// SIGTERM, and waits for its end; again each second, since Redis refuses it while it writes its first AOF after a full
    /// resync ("Writing initial AOF, can't exit").
    /// </summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="TimeoutException">
    /// It still runs after <paramref name="within"/>; default 30 s, the usual grace period of a pod.
    /// </exception>
    public async Task<int> TerminateAsync(TimeSpan? within = null)
    {
        var process = Process ?? throw new InvalidOperationException($"{Name} was never started.");
        var exit = process.TerminateAsync(within ?? GracePeriod);
        while (await Task.WhenAny(exit, Task.Delay(RepeatSigterm, TimeProvider.System)) != exit) process.Terminate();
        return await exit;
    }

    /// <summary>SIGTERM, waits for its end, starts it again.</summary>
    public async Task RestartAsync()
    {
        await TerminateAsync();
        await StartAsync();
    }

    /// <summary>Empties the data folder, as a lost volume does. The node must not run.</summary>
    public void WipeData() => Wipe(DataFolder);

    /// <summary>Empties the configuration folder, as a pod on a new node finds it. The node must not run.</summary>
    public void WipeConfig() => Wipe(ConfigFolder);

    /// <summary>
    /// The pod is gone and a new one of its name is there: another UID, an empty configuration folder (an emptyDir), the same
    /// volume; in a <see cref="Pods.PodWorld"/> another address too. The node must not run; its next start tells the API server.
    /// </summary>
    /// <param name="address">Of the new pod, in a world of pods; null: any.</param>
    public void BecomeNewPod(IPAddress? address = null)
    {
        WipeConfig();
        PodUid = Guid.NewGuid().ToString();
        _pods?.Replace(this, address);
    }

    /// <summary>A new pod with another address: nothing listens at the old one any more. The node must not run.</summary>
    public void MoveTo(NodePlace place)
    {
        BecomeNewPod();
        Place = place;
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    private void Wipe(string folder)
    {
        if (Running) throw new InvalidOperationException($"{Name} runs (pid {Process!.Pid}); end it first.");
        // The folder itself stays: it may be where a file system is mounted.
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo inner) inner.Delete(recursive: true);
            else entry.Delete();
        }
    }
}
