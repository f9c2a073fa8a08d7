using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Docs;

/// <summary>
/// The pictures of the pages. After a change of a dashboard or of <c>scripts/pictures.d</c>: <c>scripts/pictures</c>, or
/// <c>SIDECARS_GOLDEN=write dotnet test tests/Sidecars.Manifests.Tests --filter Picture</c>.
/// </summary>
public sealed partial class PictureTests
{
    private const int MaxBytes = 60_000; // of a page that is read on a phone
    private const double LeastContrast = 4.5; // WCAG 2, AA, of text of this size
    private static readonly string Docs = Path.Combine(Repository.Root, "manifests", "docs");
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static readonly string[] Names = ["dashboard-fleet.svg", "dashboard-tenant.svg", "demo.svg"];

    public static TheoryData<string> Pictures => [.. Names];

    [ToolFact("bash", "python3")]
    public async Task Pictures_are_those_of_what_they_are_made_from()
    {
        using var folder = new TempFolder("pictures");
        var output = Environment.GetEnvironmentVariable("SIDECARS_GOLDEN") == "write" ? Docs : folder.Path;

        var result = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "pictures"), ["--output", output]);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(Names, Directory.EnumerateFiles(output, "*.svg").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (var name in Names)
        {
            var made = await File.ReadAllTextAsync(Path.Combine(output, name));
            var shown = await File.ReadAllTextAsync(Path.Combine(Docs, name));
            Assert.True(made == shown, $"manifests/docs/{name} is old: run scripts/pictures");
        }
    }

    [ToolFact("bash", "python3")]
    public async Task A_recording_of_nothing_replaces_nothing()
    {
        using var folder = new TempFolder("recording");
        string[] parts =
            ["scripts/pictures", "scripts/pictures.d", "scripts/lib.sh", "manifests/docs/demo.cast", "manifests/docs/demo.svg"];
        var copied = await Tool.RunAsync("cp", ["-r", "--parents", .. parts, folder.Path], folder: Repository.Root);
        Assert.True(copied.ExitCode == 0, copied.Error);
        var docs = folder.Folder("manifests", "docs");
        var before = await File.ReadAllTextAsync(Path.Combine(docs, "demo.cast"));
        // As of a demo that was ended before it printed anything.
        var raw = folder.Write("raw.cast", before[..(before.IndexOf('\n', StringComparison.Ordinal) + 1)]);

        var result = await Tool.RunAsync(folder.File("scripts", "pictures"), ["--cast", raw]);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(before, await File.ReadAllTextAsync(Path.Combine(docs, "demo.cast")));
        Assert.Equal(["demo.cast", "demo.svg"],
            Directory.EnumerateFileSystemEntries(docs).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_picture_is_one_small_file_without_scripts_and_without_anything_from_elsewhere(string name)
    {
        var file = Path.Combine(Docs, name);
        Assert.InRange(new FileInfo(file).Length, 1, MaxBytes);
        var picture = XDocument.Load(file);
        string[] drawn = ["svg", "title", "desc", "style", "defs", "g", "rect", "path", "text", "tspan", "use"];
        Assert.All(picture.Descendants(), element => Assert.Equal(Svg, element.Name.Namespace));
        Assert.Empty(picture.Descendants().Select(element => element.Name.LocalName).Except(drawn));
        var attributes = picture.Descendants().Attributes().ToArray();
        Assert.DoesNotContain(attributes, attribute => attribute.Name.LocalName.StartsWith("on", StringComparison.OrdinalIgnoreCase));
        Assert.All(attributes.Where(attribute => attribute.Name.LocalName == "href"), link => Assert.StartsWith("#", link.Value));
        var text = File.ReadAllText(file);
        Assert.DoesNotContain("url(", text, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", text, StringComparison.Ordinal);
        Assert.Equal(["http://www.w3.org/2000/svg"], Address().Matches(text).Select(match => match.Value).Distinct());
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Text_can_be_read_on_light_and_on_dark_pages(string name)
    {
        var styles = Style(name).Split("@media(prefers-color-scheme:dark)");
        Assert.Equal(2, styles.Length);
        foreach (var style in styles)
        {
            var colors = Fill().Matches(style).ToDictionary(fill => fill.Groups[1].Value, fill => fill.Groups[2].Value);
            Assert.True(colors.Count >= 7, name);
            string[] grounds = name == "demo.svg" ? ["back"] : ["back", "bar"];
            foreach (var (kind, color) in colors.Where(color => color.Key is not ("back" or "bar")))
                Assert.All(grounds, ground =>
                    Assert.True(Contrast(color, colors[ground]) >= LeastContrast, $"{name}: {kind} {color} on {ground} {colors[ground]}"));
        }
    }

    [Fact]
    public void The_tour_shows_every_line_of_its_recording()
    {
        var events = File.ReadLines(Path.Combine(Docs, "demo.cast")).Skip(1).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var recorded = events.SelectMany(one => RowStart().Split(one[2].GetString()!)).Select(row => Color().Replace(row, "").TrimEnd())
            .Where(row => row.Length > 0).ToHashSet();
        var shown = Load("demo.svg").Descendants(Svg + "text").Select(text => text.Value.TrimEnd()).ToHashSet();

        Assert.True(recorded.Count > 100, $"{recorded.Count}");
        Assert.Empty(recorded.Except(shown));
        Assert.All(recorded, row => Assert.True(row.Length <= 80, row));
    }

    [Fact]
    public void Without_animation_the_tour_shows_its_end()
    {
        // What is shown for a while only is hidden until it is its time; what stays is not.
        var hidden = Hidden().Matches(Style("demo.svg")).Select(match => match.Groups[1].Value).ToHashSet();
        var stays = Load("demo.svg").Root!.Element(Svg + "svg")!.Element(Svg + "g")!.Elements(Svg + "text")
            .Where(text => !hidden.Contains(text.Attribute("class")?.Value ?? "")
                && text.Attribute("style")?.Value.Contains("visibility:hidden", StringComparison.Ordinal) != true)
            .Select(text => text.Value).ToArray();

        Assert.Contains("all held", stays);
        Assert.Contains(stays, text => text.StartsWith("step ", StringComparison.Ordinal));
        Assert.Contains(stays, text => text.Contains("scripts/demo --keep", StringComparison.Ordinal));
        Assert.DoesNotContain(stays, text => text.Contains("demo: ended", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("fleet")]
    [InlineData("tenant")]
    public void A_panel_of_a_dashboard_is_shown_whole(string board)
    {
        var shown = Load($"dashboard-{board}.svg");
        var rows = shown.Root!.Elements(Svg + "text").Select(text => text.Value).ToArray();
        var panels = shown.Root.Elements(Svg + "g").ToDictionary(panel => panel.Element(Svg + "title")!.Value.Split('\n')[0]);
        var file = Path.Combine(Renders.Folder, "cluster", "monitoring", "dashboards", $"{board}.json");
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var count = 0;
        foreach (var panel in document.RootElement.GetProperty("panels").EnumerateArray())
        {
            var title = panel.GetProperty("title").GetString()!;
            if (panel.GetProperty("type").GetString() == "row")
            {
                Assert.Contains(title, rows);
                continue;
            }

            count++;
            var texts = panels[title].Elements(Svg + "text").Select(text => text.Value).ToArray();
            var queries = panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!);
            string[] expected = [title, panel.GetProperty("description").GetString()!, .. queries];
            Assert.Equal(string.Join('\n', expected), panels[title].Element(Svg + "title")!.Value);
            // On lines of their own, none of them cut.
            var all = Packed(string.Concat(texts));
            Assert.All(expected, text => Assert.Contains(Packed(text), all, StringComparison.Ordinal));
            Assert.DoesNotContain(texts, text => text.EndsWith('…'));
        }

        Assert.Equal(count, panels.Count);
    }

    [ToolFact("bash", "python3")]
    public async Task A_recording_is_thinned_to_rows_that_changed()
    {
        using var folder = new TempFolder("cast");
        var table = "\e[2mnode\e[0m\r\nredis-0 \e[31mdown\e[0m\r\n";
        object[] written =
        [
            "start\r\n\e[?7l" + table,
            "\e[2F\e[0Jstep\r\n" + table,
            "\e[1F\e[0Jredis-0 \e[32mup\e[0m  \r\n",
            "\e[1F\e[0Jredis-0 up\r\ndone\r\n",
        ];
        var raw = folder.Write("raw.cast", """{"version": 2, "width": 80, "height": 24}""" + "\n"
            + string.Concat(written.Select((text, i) => JsonSerializer.Serialize(new[] { i, (object)"o", text }) + "\n")));
        var thin = folder.File("thin.cast");
        var part = Path.Combine(Repository.Root, "scripts", "pictures.d", "thin.py");

        var result = await Tool.RunAsync("python3", ["-B", part, raw, thin]);

        Assert.True(result.ExitCode == 0, result.Error);
        var events = File.ReadLines(thin).Skip(1).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal([0, 1, 2, 3], events.Select(one => one[0].GetDouble()));
        Assert.Equal(
            [
                "\e[1;1H\e[2Kstart\e[2;1H\e[2K\e[2mnode\e[0m\e[3;1H\e[2Kredis-0 \e[31mdown\e[0m",
                "\e[2;1H\e[2Kstep\e[3;1H\e[2K\e[2mnode\e[0m\e[4;1H\e[2Kredis-0 \e[31mdown\e[0m",
                "\e[4;1H\e[2Kredis-0 \e[32mup\e[0m",
                "\e[4;1H\e[2Kredis-0 up\e[5;1H\e[2Kdone",
            ],
            events.Select(one => one[2].GetString()));
    }

    [ToolFact("bash", "python3")]
    public async Task A_recording_holds_what_a_command_prints_on_a_terminal_of_80_columns_and_fails_with_it()
    {
        using var folder = new TempFolder("record");
        var cast = folder.File("raw.cast");
        var part = Path.Combine(Repository.Root, "scripts", "pictures.d", "record.py");

        var result = await Tool.RunAsync("python3", ["-B", part, cast, "bash", "-c", "[[ -t 1 ]] && stty size && echo ä; exit 3"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("bash ended with 3", result.Error, StringComparison.Ordinal);
        var printed = File.ReadLines(cast).Skip(1).Select(line => JsonDocument.Parse(line).RootElement[2].GetString());
        Assert.Equal("50 80\r\nä\r\n", string.Concat(printed));
    }

    private static XDocument Load(string name) => XDocument.Load(Path.Combine(Docs, name));

    private static string Style(string name) => Load(name).Descendants(Svg + "style").Single().Value;

    private static string Packed(string text) => Blanks().Replace(text, "");

    private static double Contrast(string one, string other)
    {
        var (bright, dark) = (Math.Max(Luminance(one), Luminance(other)), Math.Min(Luminance(one), Luminance(other)));
        return (bright + 0.05) / (dark + 0.05);
    }

    // Relative luminance of WCAG 2.
    private static double Luminance(string color)
    {
        double[] weights = [0.2126, 0.7152, 0.0722];
        return weights.Select((weight, i) =>
        {
            var part = int.Parse(color.AsSpan(1 + (2 * i), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return weight * (part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4));
        }).Sum();
    }

    [GeneratedRegex(@"https?:[^\s""'<)]+")]
    private static partial Regex Address();

    [GeneratedRegex(@"\.?(\w+)\{fill:(#[0-9a-f]{6})\}")]
    private static partial Regex Fill();

    [GeneratedRegex(@"\.(f\d+)\{visibility:hidden")]
    private static partial Regex Hidden();

    [GeneratedRegex(@"\e\[\d+;1H\e\[2K")]
    private static partial Regex RowStart();

    [GeneratedRegex(@"\e\[\d+m")]
    private static partial Regex Color();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
