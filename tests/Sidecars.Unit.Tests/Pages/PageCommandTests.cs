using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>
/// Every command that a reader copies from README or a page has a test that runs it, or a reason why none does. Runbooks have tests of
/// their own (RunbookTests).
/// </summary>
public sealed partial class PageCommandTests
{
    private const string NeedsCluster = "needs a cluster";
    private const string NeedsRegistry = "needs a registry that takes images";

    // By its first words; the longest that fits counts. A test is named with a text of its source that shows what it runs.
    private static readonly Known[] Commands =
    [
        Known.By("scripts/tenant new", "NewTenantTests", "\"new\""),
        Known.By("scripts/tenant secret", "ScriptTests", "\"secret\""),
        Known.By("scripts/tenant apply", "ScriptTests", "\"apply\""),
        Known.By("scripts/tenant status", "StatusTests", "\"status\""),
        Known.By("scripts/tenant diff", "FieldManagerTests", "\"diff\""),
        Known.Not("scripts/tenant check", "builds and runs the tests of manifests on one tenant, which scripts/test runs on all"),
        Known.By("scripts/images", "ImageTests", "\"images\""),
        Known.By(
            "kubectl -n NAME exec redis-0 -c failover -- redis-failover status", "RunbookTests", "Every_subcommand_and_option_of_ours"),
        Known.By("scripts/release", "ReleaseTests", "\"--key\""),
        Known.By("sha256sum", "ReleaseTests", "\"--check\", \"--strict\""),
        Known.By("openssl pkeyutl -verify", "ReleaseTests", "\"pkeyutl\", \"-verify\""),
        Known.By("kubectl apply -k", "ReleaseTests", "//manifests/tenants/{tenant}?ref=v"),
        Known.By("git fetch", "ReleaseTests", "\"fetch\""),
        Known.Not("git push", "needs a remote repository"),
        Known.Not("helm install", NeedsCluster + "; ChartTests renders what it would send"),
        Known.Not("scripts/demo", "minutes of the whole machine; scripts/soak plays its tours"),
        Known.Not("scripts/test", "runs these tests"),
        Known.Not("scripts/publish", "scripts/test runs it before the tests that use the executables"),
        Known.Not("scripts/setup", "changes the machine; scripts/test runs it first"),
        Known.Not("scripts/lint", ".ci/run runs it, without --fix"),
        Known.Not("scripts/faults", "needs root and hours; Sidecars.Faults plays single cases with the same code"),
        Known.Not("docker build", "needs Docker; scripts/images builds the same Dockerfiles by buildah"),
        Known.Not("docker pull", NeedsRegistry),
        Known.Not("docker tag", "needs Docker; names for kind"),
        Known.Not("kind create cluster", NeedsCluster + "; KindTests compares its file with kind's fields and a tenant's constraints"),
        Known.Not("kind load docker-image", NeedsCluster),
        Known.Not("buildah", NeedsRegistry),
        Known.Not("skopeo copy", NeedsRegistry),
        Known.Not("kubectl -n NAME create secret", NeedsCluster + "; what uses the Secrets is rendered by InstallPageTests"),
        Known.Not("kubectl get nodes", NeedsCluster),
        Known.Not("kubectl label node", NeedsCluster),
        Known.Not("kubectl -n default get endpointslices", NeedsCluster),
        Known.Not("printf", "writes the reader's own key"),
        Known.Not("rm credentials", "removes what the line before wrote"),
    ];

    // Pages whose blocks make one program, which a test takes from the page and runs.
    private static readonly Dictionary<string, Known> Programs = new()
    {
        ["manifests/docs/restore-by-hand.md"] = Known.By("", "PointInTimeTests", "manifests/docs/restore-by-hand.md"),
        ["manifests/docs/local.md"] = Known.By("", "LocalPageTests", "\"local.md\""),
    };

    private static IEnumerable<string> Pages =>
        MarkdownPages.Of("README.md", "docker/README.md", "manifests/README.md", "manifests/docs", "src/README.md", "src/working.md");

    [Fact]
    public void Every_command_has_a_test_or_a_reason_and_no_entry_is_left_over()
    {
        var shown = Pages.Except(Programs.Keys).SelectMany(page => Lines(page).Select(command => (Page: page, Command: command))).ToList();
        Assert.Empty(shown.Where(line => Find(line.Command) is null).Select(line => $"{line.Page}: {line.Command}"));
        Assert.Empty(Commands.Except(shown.Select(line => Find(line.Command)!)).Select(known => known.Words));
        Assert.All(Programs.Keys, page => Assert.NotEmpty(Lines(page)));
    }

    [Fact]
    public void Every_test_that_is_named_is_there_and_runs_what_it_is_named_for()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(file => Path.GetFileNameWithoutExtension(file), StringComparer.Ordinal);
        foreach (var known in Commands.Concat(Programs.Values).Where(known => known.Test is not null))
        {
            var runs = sources[known.Test!].Any(file => File.ReadAllText(file).Contains(known.Evidence, StringComparison.Ordinal));
            Assert.True(runs, $"{known.Words}: no {known.Test} with {known.Evidence}");
        }
    }

    [Fact]
    public void The_first_commands_of_the_README_are_the_two()
    {
        var commands = Lines("README.md").Take(2).Select(line => line.Split(' ')[0]).ToArray();
        Assert.Equal(["scripts/demo", "scripts/test"], commands);
        Assert.All(commands, command => Assert.True(File.Exists(Path.Combine(Repository.Root, command))));
    }

    private static Known? Find(string command) =>
        Commands.Where(known => command == known.Words || command.StartsWith(known.Words + " ", StringComparison.Ordinal))
            .MaxBy(known => known.Words.Length);

    // Of fences that are marked as shell: without comments, continued lines joined, && split, without the words around a loop.
    private static IEnumerable<string> Lines(string page) =>
        ShellBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))
            .SelectMany(block => Continued().Replace(block.Groups["text"].Value, " ").Split('\n'))
            .SelectMany(line => Comment().Replace(line, "").Split(" && "))
            .Select(command => Blanks().Replace(command.Trim(), " "))
            .Where(command => command.Length > 0 && !LoopWord().IsMatch(command));

    [GeneratedRegex(@"^```(bash|sh)\n(?<text>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"\\\n")]
    private static partial Regex Continued();

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"^(for .*; do|do|done)$")]
    private static partial Regex LoopWord();

    private sealed record Known(string Words, string? Test, string Evidence)
    {
        public static Known By(string words, string test, string evidence) => new(words, test, evidence);

        public static Known Not(string words, string reason) => new(words, null, reason);
    }
}
