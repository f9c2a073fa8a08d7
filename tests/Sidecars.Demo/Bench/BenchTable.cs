using Sidecars.Core.Hosting;
using Sidecars.Demo.Bench.Switch;

namespace Sidecars.Demo.Bench;

/// <summary>All benches by name; <c>sidecars-demo bench NAME [--json FILE] [options of switch]</c>, called by scripts/bench.</summary>
internal static class BenchTable
{
    private const string SwitchName = "switch"; // the only one with options

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
        var name = arguments.FirstOrDefault() ?? "";
        var file = arguments is [_, "--json", var json, ..] ? json : null;
        var rest = arguments.Skip(file is null ? 1 : 3).ToArray();
        string? mistake = null;
        var bench = name == SwitchName
            ? Bind(SwitchOptions.Read(rest, out mistake))
            : rest.Length == 0 ? All.GetValueOrDefault(name) : null;
        if (bench is null || mistake is not null)
        {
            await Console.Error.WriteLineAsync(
                $"bench: {mistake ?? $"one of {string.Join(", ", All.Keys)}, {SwitchName}, then optionally --json FILE"}");
            return ExitCode.WrongConfiguration;
        }

        Console.WriteLine(Machine.Describe());
        var result = await bench(Console.Out, cancellation);
        if (file is not null) await File.WriteAllTextAsync(file, result.ToJson() + "\n", cancellation);
        return result.WithinBudget ? ExitCode.Ok : ExitCode.Failed;
    }

    private static Func<TextWriter, CancellationToken, Task<IBenchResult>> Bind(SwitchOptions options) =>
        (output, cancellation) => SwitchBench.RunAsync(options, output, cancellation);
}

/// <summary>What a bench found.</summary>
internal interface IBenchResult
{
    bool WithinBudget { get; }

    string ToJson();
}
