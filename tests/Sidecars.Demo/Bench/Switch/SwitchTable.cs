using System.Globalization;
using System.Text;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>The result as the table of manifests/docs/clients.md.</summary>
internal static class SwitchTable
{
    public static string Markdown(SwitchBench result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{result.Machine}; {result.LoadAfter} at the end.\n\n");
        text.Append("| scenario | client | runs | gap median ms | longest ms | acknowledged | lost | errors that the application saw |\n");
        text.Append("|---|---|---|---|---|---|---|---|\n");
        foreach (var row in result.Rows)
        {
            var version = result.Versions.TryGetValue(row.Client, out var known) ? $"{row.Client} {known}" : row.Client;
            text.Append(CultureInfo.InvariantCulture, $"| {row.Scenario} | {version} | {row.Runs} | {row.MedianGapMs:0.0} ");
            text.Append(CultureInfo.InvariantCulture, $"| {row.LongestGapMs:0.0} | {row.Acknowledged} | {row.Lost} | {row.ErrorText} |\n");
        }

        foreach (var (name, why) in result.LeftOut)
            text.Append(CultureInfo.InvariantCulture, $"| – | {name} | left out | | | | | {why} |\n");
        return text.ToString();
    }
}
