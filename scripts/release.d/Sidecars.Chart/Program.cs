namespace Sidecars.Chart;

/// <summary>Writes the Helm chart of a release into a folder; scripts/release calls it.</summary>
internal static class Program
{
    private static readonly string[] ImageKeys = ["redis", "sentinel", "exporter"];
    private static readonly string[] Names = ["--manifests", "--version", "--out", .. ImageKeys.Select(key => "--" + key)];

    private static async Task<int> Main(string[] arguments)
    {
        if (Read(arguments) is not { } options)
        {
            await Console.Error.WriteLineAsync($"usage: sidecars-chart with a value for each of {string.Join(' ', Names)}");
            return 2;
        }

        try
        {
            var images = ImageKeys.ToDictionary(key => key, key => options["--" + key]);
            var chart = new Chart(new ChartRequest(Path.GetFullPath(options["--manifests"]), options["--version"], images));
            foreach (var (path, text) in await chart.FilesAsync())
            {
                var file = Path.Combine(options["--out"], path);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                await File.WriteAllTextAsync(file, text);
            }

            return 0;
        }
        catch (InvalidDataException unexpected)
        {
            await Console.Error.WriteLineAsync($"sidecars-chart: {unexpected.Message}");
            return 1;
        }
    }

    private static Dictionary<string, string>? Read(string[] arguments)
    {
        if (arguments.Length != 2 * Names.Length) return null;
        var options = arguments.Chunk(2).DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]);
        return Names.All(options.ContainsKey) ? options : null;
    }
}
