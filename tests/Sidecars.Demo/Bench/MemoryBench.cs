using System.Globalization;
using System.Text.Json;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// What the container of each sidecar is charged for after ten quiet minutes beside a healthy group of 3 + 3: <c>redis-failover run</c>
/// beside master and replica, <c>redis-backup run</c> beside the master. Each runs in a memory cgroup of its own from a copy of the
/// executable of its own, as on a node of its own: a file's pages are charged to whoever reads them first.
/// </summary>
internal sealed record MemoryBench : IBenchResult
{
    private const double MostMib = 20;
    private const double Mib = 1 << 20;
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(10);
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required Machine Machine { get; init; }

    public required IReadOnlyList<Row> Rows { get; init; }

    public required string? Skipped { get; init; }

    public bool WithinBudget => Rows.All(row => row.WorkingSetMib <= MostMib);

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        using var probe = MemoryCgroup.TryCreate("probe");
        if (probe is null)
        {
            const string Why = "no memory cgroup can be made here (root and a memory controller)";
            await output.WriteLineAsync("SKIPPED: " + Why);
            return new MemoryBench { Machine = machine, Rows = [], Skipped = Why };
        }

        using var store = new TempFolder("memory-store");
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "memory" });
        await group.StartAsync(cancellation: cancellation);
        var master = (await group.WaitHealthyAsync(cancellation: cancellation)).Master!.Node;
        var replica = group.Redis.First(node => node != master);
        List<Watched> watched = [];
        try
        {
            foreach (var (node, name) in new[]
            { (master, "redis-failover run, beside the master"), (replica, "redis-failover run, beside a replica") })
                watched.Add(await Watched.StartAsync(name, group, within => group.StartSidecarAsync(node, Variables(group), within)));
            watched.Add(await Watched.StartAsync(
                "redis-backup run, beside the master", group, within => ServerProcess.StartAsync(within(Backup(group, master, store)))));
            await Task.Delay(Quiet, TimeProvider.System, cancellation);
            var result = new MemoryBench { Machine = machine, Rows = [.. watched.Select(w => w.Look())], Skipped = null };
            await output.WriteLineAsync(
                "idle for ten minutes                     working set MiB   share (PSS) MiB   RSS MiB   of it anonymous");
            foreach (var row in result.Rows)
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{row.Name,-40}{row.WorkingSetMib,16:0.0}{row.ShareMib,18:0.0}{row.ResidentMib,10:0.0}{row.AnonymousMib,18:0.0}"));
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"aim: working set at most {MostMib:0} MiB each: {(result.WithinBudget ? "ok" : "missed")}; "
                + $"load at the end {Machine.Load()}"));
            return result;
        }
        finally
        {
            foreach (var one in watched) await one.DisposeAsync();
        }
    }

    private static Dictionary<string, string> Variables(LocalGroup group) => new()
    {
        ["METRICS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
        ["DNS_NAME"] = "redis.example.org",
        ["ZONE_FILE"] = Path.Combine(group.Folder, "zone"),
    };

    private static ServerStart Backup(LocalGroup group, LocalNode node, TempFolder store) =>
        new(Repository.NativeExecutable("redis-backup"), "run")
        {
            Name = "redis-backup",
            Environment = new Dictionary<string, string>
            {
                ["BACKUP_STORE"] = store.Path,
                ["CLUSTER_ID"] = group.Options.ClusterId,
                ["NODE_NAME"] = node.Name,
                ["DATA_DIR"] = node.DataFolder,
                ["REDIS_HOST"] = node.Endpoint.ToString(),
                ["METRICS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
            },
        };

    /// <summary>One sidecar; MiB.</summary>
    internal sealed record Row(string Name, double WorkingSetMib, double ShareMib, double ResidentMib, double AnonymousMib);

    private sealed class Watched(string name, MemoryCgroup cgroup, ServerProcess process) : IAsyncDisposable
    {
        public static async Task<Watched> StartAsync(
            string name, LocalGroup group, Func<Func<ServerStart, ServerStart>, Task<ServerProcess>> start)
        {
            var folder = Path.Combine(group.Folder, name.Replace(' ', '-').Replace(',', '-'));
            Directory.CreateDirectory(folder);
            var cgroup = MemoryCgroup.TryCreate(Path.GetFileName(folder))
                ?? throw new InvalidOperationException("no memory cgroup can be made any more");
            return new Watched(name, cgroup, await start(what => cgroup.Within(what with { Program = CopyOf(what.Program, folder) })));
        }

        public Row Look()
        {
            var look = FootprintBench.Look.At(process.Pid);
            return new Row(name, cgroup.WorkingSetBytes / Mib, look.ShareKb / 1024, look.ResidentKb / 1024, look.AnonymousKb / 1024);
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            cgroup.Dispose();
        }

        // The name counts: it says which of the file's programs is meant. Written anew and not by this process, whose pages they would be.
        private static string CopyOf(string program, string folder)
        {
            var copy = Path.Combine(folder, Path.GetFileName(program));
            if (Command.Run("cp", "-L", program, copy) is { } error) throw new InvalidOperationException(error);
            if (Command.Run("sh", "-c", $"sync '{copy}' && dd of='{copy}' oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null")
                is { } left)
                throw new InvalidOperationException(left);
            return copy;
        }
    }
}
