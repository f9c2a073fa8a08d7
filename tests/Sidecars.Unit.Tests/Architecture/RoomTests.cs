using Sidecars.TestKit.Groups;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Architecture;

/// <summary>The arrows and bounds of <c>src/README.md</c>.</summary>
public sealed class RoomTests(ITestOutputHelper output)
{
    /// <summary>Longest file; one that needs more has its reason in <see cref="Longer"/>.</summary>
    private const int MaxLines = 400;

    /// <summary>Of Sidecars.Core: it holds what at least two executables share.</summary>
    private const int MaxCoreLines = 13_000;

    private static readonly string[] Longer = [];
    private static readonly string[] Assemblies =
        ["Sidecars.Core", "Sidecars.Aws", "Sidecars.Retries", "Sidecars.Telemetry", "redis-probe", "redis-bootstrap", "redis-failover",
            "redis-backup"];

    /// <summary>Layers of Core, from the ground up: a room uses only those before it.</summary>
    private static readonly string[] Layers =
        ["Primitives", "Hosting", "Redis", "Lineage", "Sentinel", "Sentinel.Leadership", "Topology", "Succession", "Kubernetes",
            "Configuration", "Election", "Group"];

    private static readonly NamespaceArrows Arrows = NamespaceArrows.Of(Assemblies);

    [Fact]
    public void What_is_read_is_the_code()
    {
        // by a field
        Assert.Contains("DnsEndpointStore", Arrows.All["Sidecars.Failover.Publish.Targets.DnsEndpoint"]["Sidecars.Core.Kubernetes"]);
        Assert.Contains("ReplyText", Arrows.All["Sidecars.Core.Redis"]["Sidecars.Core.Primitives"]); // by an instruction
    }

    [Fact]
    public void No_namespaces_use_each_other_in_a_circle()
    {
        var circle = Circles().Select(space => $"{space} -> " + string.Join(
            "; ",
            Arrows.All[space].Where(to => Reaches(to.Key, space))
                .Select(to => $"{to.Key} ({string.Join(", ", to.Value.Take(4))})"))).ToList();
        foreach (var line in circle) output.WriteLine(line);
        Assert.Empty(circle);
    }

    [Fact]
    public void A_room_of_Core_uses_only_the_layers_below_it()
    {
        var wrong = new List<string>();
        foreach (var (from, used) in Arrows.All.Where(a => a.Key.StartsWith("Sidecars.Core.", StringComparison.Ordinal)))
            foreach (var (to, types) in used)
                if (LayerOf(to) >= LayerOf(from)) wrong.Add($"{from} -> {to}: {string.Join(", ", types)}");
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_file_is_longer_than_one_can_hold_in_mind()
    {
        var files = Sources("src").Concat(Sources("tests")).ToList();
        Assert.True(files.Count > 500);
        Assert.Equal(Longer,
            files.Where(file => File.ReadLines(file).Count() > MaxLines).Select(file => Path.GetRelativePath(Repository.Root, file)));
    }

    [Fact]
    public void Core_holds_only_what_executables_share()
    {
        var lines = Sources("src/Sidecars.Core").Sum(file => File.ReadLines(file).Count());
        output.WriteLine($"{lines} lines");
        Assert.InRange(lines, 5_000, MaxCoreLines);
    }

    private static int LayerOf(string space)
    {
        var layer = Array.IndexOf(Layers, space["Sidecars.Core.".Length..]);
        return layer >= 0
            ? layer
            : throw new InvalidOperationException($"{space} has no place among the layers: add it here and to src/README.md");
    }

    private static IEnumerable<string> Circles() => Arrows.All.Keys.Where(space => Reaches(space, space));

    private static bool Reaches(string from, string target)
    {
        var seen = new HashSet<string>();
        var next = new Stack<string>(Arrows.All.TryGetValue(from, out var first) ? first.Keys : []);
        while (next.TryPop(out var space))
        {
            if (space == target) return true;
            if (seen.Add(space) && Arrows.All.TryGetValue(space, out var used)) foreach (var to in used.Keys) next.Push(to);
        }

        return false;
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
}
