using System.Text;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>What a starting node looks for its role with: a virtual clock, folders, a log, rounds at most a minute apart.</summary>
internal sealed class RoundRig : IDisposable
{
    private readonly TempFolder _folder = new("rounds");
    private readonly MemoryStream _log = new();
    private readonly CancellationTokenSource _stop = new();

    public RoundRig(ServerMode mode, VirtualTime? time = null)
    {
        Time = time ?? new VirtualTime();
        var settings = new SettingReader(new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = "tenant/shop",
            ["NODE_NAME"] = "redis-0",
            ["ANNOUNCE_HOST"] = "10.0.0.1",
            ["REDIS_PORT"] = "16379",
            ["REDIS_SERVER_SERVICE_HOST"] = "10.0.0.1,10.0.0.2,10.0.0.3",
            ["REDIS_SENTINEL_SERVICE_HOST"] = "10.0.1.1,10.0.1.2,10.0.1.3",
            ["DATA_DIR"] = Data,
            ["CONFIG_DIR"] = _folder.Folder("config"),
            ["ELECTION"] = "file",
            ["ELECTION_DIR"] = _folder.Folder("election"),
            ["RETRY_MAX"] = "60000",
            ["WAIT_DEADLINE"] = "3600000",
        });
        Options = BootstrapOptions.Read(mode, [], settings) ?? throw new InvalidOperationException(string.Join('\n', settings.Errors));
        Log = new JsonLineLog(_log, "test", Time);
        Reporter = new DecisionReporter(
            Log, new HeartbeatFile(Path.Combine(Options.Group.ConfigDirectory, "bootstrap.json"), "test", Time));
    }

    public VirtualTime Time { get; }

    public BootstrapOptions Options { get; }

    public JsonLineLog Log { get; }

    public DecisionReporter Reporter { get; }

    public RoundPacer Pacer => new(new BackoffSchedule(TimeSpan.FromMilliseconds(100), Options.RetryMax), Time, new Random(1));

    public string Data => _folder.Folder("data");

    public CancellationToken Stop => _stop.Token;

    /// <summary>What was logged.</summary>
    public string[] Lines => Encoding.UTF8.GetString(_log.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A pool thread's, as in the product.</summary>
    public Task<T> Start<T>(Func<CancellationToken, Task<T>> loop) => Task.Run(() => loop(Stop));

    /// <summary>Lets time pass; a loop that waits holds one timer.</summary>
    public void Run(TimeSpan span, Task loop, int sleepers = 1) => Time.Run(span, () => Time.Sleepers == sleepers || loop.IsCompleted);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _log.Dispose();
        _folder.Dispose();
    }
}
