using System.Text;
using System.Text.RegularExpressions;
using Sidecars.Bootstrap.Disk;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Release;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.Manifests.Tests.Schema;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Monitoring;

public sealed partial class RunbookTests
{
    private static readonly string[] Parts = ["**You see.**", "**It means.**", "**First command.**", "**Decide.**", "**Resolved when.**"];

    private static IEnumerable<string> Pages => Directory.EnumerateFiles(Path.Combine(Renders.Folder, "runbooks"), "*.md");

    // Commands are held to the same on the pages for users.
    private static IEnumerable<string> PagesWithCommands =>
        [.. Pages, .. Directory.EnumerateFiles(Path.Combine(Renders.Folder, "docs"), "*.md"), Path.Combine(Renders.Folder, "README.md"),
            Path.Combine(Repository.Root, "README.md")];

    [Fact]
    public void Every_page_has_its_five_parts_in_order()
    {
        foreach (var page in Pages.Where(page => Path.GetFileName(page) != "README.md"))
        {
            var text = File.ReadAllText(page);
            var places = Parts.Select(part => text.IndexOf(part, StringComparison.Ordinal)).ToArray();
            Assert.True(places[0] > 0 && places.SequenceEqual(places.Order()) && places.Distinct().Count() == Parts.Length,
                $"{page}: {string.Join(' ', places)}");
        }
    }

    [Fact]
    public void A_page_in_capitals_is_of_an_alert_that_exists()
    {
        var alerts = AlertRules.Alerts.Select(alert => alert.Text("alert")).ToHashSet();

        Assert.Empty(Pages.Select(page => Path.GetFileNameWithoutExtension(page))
            .Where(page => page != "README" && char.IsAsciiLetterUpper(page[0])).Except(alerts));
    }

    [Fact]
    public void Links_and_names_lead_somewhere()
    {
        var names = Pages.Select(page => Path.GetFileNameWithoutExtension(page)).ToHashSet();
        foreach (var page in Pages)
        {
            var text = File.ReadAllText(page);
            Assert.All(Link().Matches(text), link => Assert.Contains(link.Groups[1].Value, names));
            Assert.All(Alert().Matches(text), alert => Assert.Contains(alert.Value, names));
        }
    }

    [Fact]
    public void Every_command_of_scripts_tenant_is_one_that_it_has()
    {
        var help = File.ReadAllText(Path.Combine(Repository.Root, "scripts", "tenant"));
        foreach (var page in PagesWithCommands)
            Assert.All(Command().Matches(File.ReadAllText(page)), command => Assert.Contains(
                $"#        scripts/tenant {command.Groups[1].Value} NAME", help.Replace("# Usage: ", "#        ", StringComparison.Ordinal),
                StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_subcommand_and_option_of_ours_is_one_that_the_executable_has()
    {
        var commands = PagesWithCommands.SelectMany(page => Executable().Matches(File.ReadAllText(page)))
            .Select(match => (Name: match.Groups[1].Value, Command: match.Groups[2].Value, Options: match.Groups[3].Value)).ToArray();
        Assert.NotEmpty(commands);
        foreach (var group in commands.GroupBy(command => (command.Name, command.Command)))
        {
            var help = await Tool.RunAsync(
                "dotnet", [Path.Combine(AppContext.BaseDirectory, group.Key.Name + ".dll"), group.Key.Command, "--help"]);
            Assert.True(help.ExitCode == 0, $"{group.Key}: {help.Error}");
            Assert.Contains($"{group.Key.Name} {group.Key.Command} ", help.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
            Assert.All(group.SelectMany(command => LongOption().Matches(command.Options)),
                option => Assert.Contains(option.Value, help.Output, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_word_of_redis_bootstrap_is_one_that_it_has()
    {
        var help = File.ReadAllText(Path.Combine(Repository.Root, "src", "Sidecars.Bootstrap", "CommandLine.cs"));
        var words = Pages.SelectMany(page => BootstrapWord().Matches(File.ReadAllText(page)))
            .Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Contains("trust", words);
        Assert.All(words, word => Assert.Contains($"  redis-bootstrap {word}", help, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_refusal_that_a_person_can_settle_is_on_its_page()
    {
        var page = File.ReadAllText(Path.Combine(Renders.Folder, "runbooks", "persons-word.md"));
        string[] codes = [ElectionPolicy.AllEmpty, ElectionPolicy.BlindBackend, ElectionPolicy.LineageUnknown,
            ElectionPolicy.LineageConflict, ElectionPolicy.FilledTwice, ElectionPolicy.TrustedWithoutData, "two-masters", "master-foreign",
            "master-older", "master-empty"];
        Assert.All(codes, code => Assert.Contains($"`{code}`", page, StringComparison.Ordinal));
    }

    // A code that no program says sends people looking for it: each is a text of the code, a name in a render, or a tool in the images.
    [ToolFact("kubectl")]
    public async Task Every_code_that_a_page_quotes_is_one_that_is_said()
    {
        var known = new StringBuilder("\"redis-check-aof\"\n"); // beside redis-server in the image
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories))
            foreach (var text in Literal().Matches(await File.ReadAllTextAsync(file)).Select(match => match.Value))
                known.Append(text).Append('\n');
        foreach (var name in Renders.Names("components"))
            known.Append('"').Append(Path.GetFileName(name)).AppendLine("\"").Append((await Renders.GetAsync(name)).Text);
        var said = known.ToString();

        var quoted = Pages.SelectMany(page => Quoted().Matches(File.ReadAllText(page))).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.Contains("named-unaccounted", quoted);
        string[] forms = ["\"{0}\"", " {0}\n", " {0}-", "{0} "]; // a literal, a name, one with a hash, a directive
        Assert.All(quoted, code => Assert.Contains(
            forms, form => said.Contains(form.Replace("{0}", code, StringComparison.Ordinal), StringComparison.Ordinal)));
    }

    [ToolFact("kubectl")]
    public async Task Every_verb_of_kubectl_is_one()
    {
        var verbs = Pages.SelectMany(page => Kubectl().Matches(File.ReadAllText(page)))
            .Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(verbs);
        foreach (var verb in verbs) Assert.Equal((verb, 0), (verb, (await Tool.RunAsync("kubectl", [verb, "--help"])).ExitCode));
    }

    [ToolFact("kubectl")]
    public async Task Every_container_that_a_page_names_is_in_a_pod()
    {
        var rendered = await Renders.GetAsync("components/backup");
        var containers = rendered.Workloads.SelectMany(workload => workload.Containers)
            .Select(container => container.Text("name")).ToHashSet();

        Assert.Empty(Pages.SelectMany(page => Container().Matches(File.ReadAllText(page))).Select(match => match.Groups[1].Value)
            .Except(containers!));
    }

    [Fact]
    public void What_a_page_has_applied_is_right()
    {
        var schema = ManifestSchema.Load();
        var objects = Pages.SelectMany(page => Documents(page)).ToArray();
        Assert.Contains(objects, item => item.Kind == "Job");
        Assert.Empty(objects.SelectMany(item => schema.Check(item.Node)));
        Assert.Empty(objects.Where(item => item.Kind == "Job")
            .SelectMany(item => RestrictedPods.Violations(item.Node.At("spec", "template", "spec"))));
        // The version of the pages is the version of the tree.
        var images = objects.SelectMany(item => item.Node.Items("spec", "template", "spec", "containers"))
            .Select(container => container.Text("image"));
        Assert.All(images, image => Assert.Equal(Versions.Tree, image!.Split(':')[1]));
    }

    [ToolFact("redis-server", "redis-cli", "redis-check-rdb", "sh")]
    public async Task What_is_adopted_is_what_the_old_server_had()
    {
        using var data = new TempFolder("adopted");
        var job = Documents(Path.Combine(Renders.Folder, "runbooks", "adopt.md")).Single(item => item.Kind == "Job");
        var container = job.Node.Items("spec", "template", "spec", "containers")[0];
        await using var old = await RedisProcess.StartAsync("requirepass of-the-old-one");
        var password = new Dictionary<string, string> { ["REDISCLI_AUTH"] = "of-the-old-one" };
        foreach (var database in (string[])["0", "5"])
            Assert.Equal("OK\n",
                (await Tool.RunAsync("redis-cli", ["-p", $"{old.Port}", "-n", database, "set", "key", "of " + database], password)).Output);

        var script = await Tool.RunAsync(
            "sh", [.. container.Texts("command").Skip(1), .. container.Texts("args")], new Dictionary<string, string>(password)
            {
                ["DATA_DIR"] = data.Path,
                ["FROM_HOST"] = "127.0.0.1",
                ["FROM_PORT"] = $"{old.Port}",
            });
        Assert.True(script.ExitCode == 0, script.Output + script.Error);

        Assert.Equal(FilledBy.Adopt, DiskEvidenceReader.Read(data.Path, Durability.Aof).Filled);
        await using var adopted = await RedisProcess.StartAsync(data, FreePort.Next(), "appendonly yes");
        foreach (var database in (string[])["0", "5"])
            Assert.Equal(
                $"of {database}\n", (await Tool.RunAsync("redis-cli", ["-p", $"{adopted.Port}", "-n", database, "get", "key"])).Output);
        // A second try does not go over the first.
        Assert.NotEqual(0, (await Tool.RunAsync("sh", [.. container.Texts("command").Skip(1), .. container.Texts("args")],
            new Dictionary<string, string> { ["DATA_DIR"] = data.Path })).ExitCode);
    }

    private static IEnumerable<KubeObject> Documents(string page) =>
        Applied().Matches(File.ReadAllText(page)).SelectMany(match => YamlExtensions.Parse(match.Groups[1].Value))
            .Select(node => new KubeObject(node));

    // Of commands, not of sentences: after the name come a word that is a subcommand, and what belongs to it up to the end of the line or a
    // quotation mark.
    [GeneratedRegex(
        @"(?<![\w/.`-])`?(redis-(?:backup|failover)) (run|now|list|show|restore|verify|prune|status|step-down|passwords)\b([^\n`|;)]*)")]
    private static partial Regex Executable();

    [GeneratedRegex(@"-- redis-bootstrap ([a-z-]+)")]
    private static partial Regex BootstrapWord();

    [GeneratedRegex(@"--[a-z][a-z-]+")]
    private static partial Regex LongOption();

    [GeneratedRegex("\"[a-z]+(?:-[a-z]+)+\"")]
    private static partial Regex Literal();

    [GeneratedRegex("`([a-z]+(?:-[a-z]+)+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\bkubectl (?:-n \S+ )?([a-z]+)\b")]
    private static partial Regex Kubectl();

    [GeneratedRegex(@"\bkubectl [^\n`|]* -c ([a-z]+)\b")]
    private static partial Regex Container();

    [GeneratedRegex(@"<<'END'\n(.*?)\nEND\n", RegexOptions.Singleline)]
    private static partial Regex Applied();

    [GeneratedRegex(@"\]\(([\w-]+)\.md\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b(?:Redis|Sentinels?)[A-Z][a-zA-Z]+\b")]
    private static partial Regex Alert();

    [GeneratedRegex(@"scripts/tenant\s+([a-z][a-z-]*)\b")]
    private static partial Regex Command();
}
