using System.Globalization;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Backup.Store.S3;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>A store of one run: where redis-backup ships to, and how the bench looks at it.</summary>
internal sealed class BackupTarget : IDisposable
{
    public const string Bucket = "backups";
    private static int _runs;
    private readonly TempFolder? _folder;

    /// <param name="moto">Null: a directory.</param>
    public BackupTarget(MotoServer? moto)
    {
        if (moto is null)
        {
            _folder = new TempFolder("bench-store");
            Address = _folder.Folder("store");
            Objects = new DirectoryStore(Address);
            return;
        }

        var prefix = FormattableString.Invariant($"run-{Interlocked.Increment(ref _runs)}");
        Address = $"s3://{Bucket}/{prefix}";
        Environment = new()
        {
            ["BACKUP_S3_ENDPOINT"] = moto.Endpoint.ToString(),
            ["AWS_ACCESS_KEY_ID"] = "bench",
            ["AWS_SECRET_ACCESS_KEY"] = "bench",
            ["BACKUP_S3_REGION"] = "us-east-1"
        };
        var settings = new S3Settings(Bucket, prefix + "/") { Endpoint = moto.Endpoint, PathStyle = true };
        Objects = new S3Store(settings, TimeProvider.System, RotatingCredentials.Of(new BasicAWSCredentials("bench", "bench")));
    }

    public string Address { get; }

    public IObjectStore Objects { get; }

    public Dictionary<string, string> Environment { get; } = [];

    public BackupStore Store =>
        new(Objects, new BackupLayout(ClusterId.TryParse(BackupStage.Cluster, out var id) ? id : throw new InvalidOperationException()));

    public void Dispose()
    {
        (Objects as IDisposable)?.Dispose();
        _folder?.Dispose();
    }
}

/// <summary>A Redis as shipped (AOF, timestamps, everysec), and the native redis-backup beside it.</summary>
internal sealed class BackupStage : IAsyncDisposable
{
    public const string Cluster = "bench/redis";

    private readonly bool _owned;

    private BackupStage(RedisProcess redis, BackupTarget target, bool owned) => (Redis, Target, _owned) = (redis, target, owned);

    public RedisProcess Redis { get; }

    public BackupTarget Target { get; }

    /// <summary>What Redis appends to, before any rewrite.</summary>
    public string AofPath => Path.Combine(Redis.Folder, "appendonlydir", "appendonly.aof.1.incr.aof");

    public static async Task<BackupStage> StartAsync(MotoServer? moto) => new(
        await RedisProcess.StartAsync("appendonly yes", "aof-timestamp-enabled yes", "appendfsync everysec",
            "auto-aof-rewrite-percentage 0", "rdbcompression no", "enable-debug-command yes"),
        new BackupTarget(moto), owned: true);

    /// <summary>Another store for a Redis that is there; neither is disposed with it.</summary>
    public static BackupStage Beside(RedisProcess redis, BackupTarget target) => new(redis, target, owned: false);

    /// <summary>The sidecar, once its first backup is listed.</summary>
    public async Task<ServerProcess> StartSidecarAsync(int flushMilliseconds)
    {
        var sidecar = await StartAsync(["run"], ("BACKUP_FLUSH", flushMilliseconds.ToString(CultureInfo.InvariantCulture)));
        await sidecar.WaitForLineAsync(line => line.Contains("backup_completed", StringComparison.Ordinal), "its first backup");
        return sidecar;
    }

    /// <summary>Runs a command of redis-backup to its end.</summary>
    /// <returns>Wall time, and the largest resident set that was seen.</returns>
    public async Task<(double Milliseconds, double PeakMb)> RunAsync(params string[] arguments)
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var process = await StartAsync(arguments);
        var (ended, peak) = (process.WaitForExitAsync(TimeSpan.FromMinutes(5)), 0.0);
        while (await Task.WhenAny(ended, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System)) != ended)
            peak = ProcessFigures.PeakMegabytes(process.Pid) ?? peak;
        var took = TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
        return await ended == 0 ? (took, Math.Round(peak, 1)) : throw new InvalidOperationException(process.Tail());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_owned) return;
        await Redis.DisposeAsync();
        Target.Dispose();
    }

    private Task<ServerProcess> StartAsync(string[] arguments, params (string Name, string Value)[] more)
    {
        var environment = new Dictionary<string, string>(Target.Environment)
        {
            ["BACKUP_STORE"] = Target.Address,
            ["CLUSTER_ID"] = Cluster,
            ["NODE_NAME"] = "redis-0",
            ["DATA_DIR"] = Redis.Folder,
            ["REDIS_HOST"] = Redis.Endpoint.ToString(),
            ["METRICS_PORT"] = "0",
            ["BACKUP_REWRITE"] = "false", // what is measured is shipping
        };
        foreach (var (name, value) in more) environment[name] = value;
        return ServerProcess.StartAsync(
            new ServerStart(Repository.NativeExecutable("redis-backup"), arguments) { Environment = environment });
    }
}

/// <summary>What the kernel says of a process.</summary>
internal static class ProcessFigures
{
    /// <summary>User and system time so far, in steps of 10 ms.</summary>
    public static double CpuSeconds(int pid)
    {
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }

    /// <summary>Largest resident set, MB of a million bytes; null of a process that has ended.</summary>
    public static double? PeakMegabytes(int pid)
    {
        try
        {
            var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status"))
                .FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null
                ? null
                : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
