using Sidecars.Core.Hosting;

namespace Sidecars.Demo.Bench;

/// <summary>All benches by name; <c>sidecars-demo bench NAME [--json FILE]</c>, called by scripts/bench.</summary>
internal static class BenchTable
{
    private static readonly Dictionary<string, Func<TextWriter, CancellationToken, Task<IBenchResult>>> All = new()
    {
        ["bootstrap"] = BootstrapBench.RunAsync,
        ["probe"] = ProbeBench.RunAsync,
        ["dns-storm"] = DnsStormBench.RunAsync,
        ["footprint"] = FootprintBench.RunAsync,
        ["memory"] = MemoryBench.RunAsync,
        ["backup"] = BackupBench.RunAsync,
        ["backup-full"] = BackupBench.RunFullAsync,
    };

    /// <returns>The exit code: 1 over budget, 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        if (arguments is not ([_] or [_, "--json", _]) || !All.TryGetValue(arguments[0], out var bench))
        {
            await Console.Error.WriteLineAsync($"bench: one of {string.Join(", ", All.Keys)}, then optionally --json FILE");
            return ExitCode.WrongConfiguration;
        }

        Console.WriteLine(Machine.Describe());
        var result = await bench(Console.Out, cancellation);
        if (arguments is [_, _, var file]) await File.WriteAllTextAsync(file, result.ToJson() + "\n", cancellation);
        return result.WithinBudget ? ExitCode.Ok : ExitCode.Failed;
    }
}

/// <summary>What a bench found.</summary>
internal interface IBenchResult
{
    bool WithinBudget { get; }

    string ToJson();
}
