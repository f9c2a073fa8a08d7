using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>
/// Every command that a reader copies from README or a page is in <see cref="PageCommandList"/>: with the test that runs it, or with the
/// reason why none does. What is compared are a command's first words. That a test "runs it" means here that the named test has a text
/// in its source, with which it runs the command; that it passes is for that test to show. Options of our own executables are compared with
/// their <c>--help</c> by RunbookTests.
/// </summary>
public sealed class PageCommandTests
{
    private static IEnumerable<string> Pages => MarkdownPages.Of(
        "README.md", "docker/README.md", "manifests/README.md", "manifests/docs", "manifests/runbooks", "src/README.md", "src/working.md",
        "scripts/release.d/Sidecars.Chart/files/README.md");

    [Fact]
    public void Every_command_has_a_test_or_a_reason_and_no_entry_is_left_over()
    {
        var shown = Pages.SelectMany(page => Commands(page).Select(command => (Page: page, Command: command))).ToList();
        var unknown = shown.Where(line => PageCommandList.Find(line.Command) is null).Select(line => $"{line.Page}: {line.Command}");
        var used = shown.Select(line => PageCommandList.Find(line.Command)!);
        var unused = PageCommandList.Commands.Except(used).Select(known => known.Words);
        Assert.Equal("", string.Join('\n', unknown));
        Assert.Equal("", string.Join('\n', unused));
        Assert.All(PageCommandList.Programs.Keys, page => Assert.NotEmpty(PageCommandReader.InBlocks(page)));
    }

    [Fact]
    public void Every_test_that_is_named_is_there_and_runs_what_it_is_named_for()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(file => Path.GetFileNameWithoutExtension(file), StringComparer.Ordinal);
        foreach (var known in PageCommandList.Commands.Concat(PageCommandList.Programs.Values).Where(known => known.Test is not null))
        {
            var runs = sources[known.Test!].Any(file => File.ReadAllText(file).Contains(known.Evidence, StringComparison.Ordinal));
            Assert.True(runs, $"{known.Words}: no {known.Test} with {known.Evidence}");
        }
    }

    [Fact]
    public void Every_block_is_read_or_is_of_a_language_without_commands() => Assert.All(Pages, page =>
    {
        var languages = PageCommandReader.Languages(page).ToArray();
        Assert.Empty(languages.Except(["", "bash", "sh"]).Except(PageCommandReader.OtherLanguages));
        Assert.Equal(2 * languages.Length, PageCommandReader.Fences(page));
    });

    // One of each kind that can be missed.
    [Theory]
    [InlineData("manifests/docs/gitops.md", "kubectl patch pvc data-redis-0")] // an indented block
    [InlineData("manifests/docs/gitops.md", "kubectl get pvc")]
    [InlineData("manifests/docs/gitops.md", "flux suspend kustomization NAME")] // in a sentence
    [InlineData("manifests/docs/gitops.md", "kubectl delete statefulset redis --cascade=orphan")]
    [InlineData("manifests/docs/backup.md", "redis-backup show ID")] // a block that is not marked
    [InlineData("manifests/docs/local.md", "docker compose up -d")] // on a page that a test runs in part
    [InlineData("manifests/docs/local.md", "kill $(jobs -p)")]
    [InlineData("manifests/docs/operations.md", "redis-failover completion bash")]
    [InlineData("manifests/docs/operations.md", "redis-failover status --watch")] // in a container
    [InlineData("manifests/docs/kind.md", "docker stop sidecars-worker2")]
    [InlineData("manifests/docs/install.md", "helm show readme")]
    [InlineData("manifests/docs/operations.md", "redis-probe liveness")] // one of several
    [InlineData("scripts/release.d/Sidecars.Chart/files/README.md", "helm install redis")]
    [InlineData("manifests/runbooks/zone-loss.md", "kubectl get statefulset -A")] // for NAME in $(…)
    [InlineData("manifests/runbooks/adopt.md", "kubectl wait --for=condition=complete job/redis-fill")] // behind a document
    public void A_command_is_seen_wherever_it_stands(string page, string command) =>
        Assert.Contains(Commands(page), line => line.StartsWith(command, StringComparison.Ordinal));

    [Fact]
    public void The_first_commands_of_the_README_are_the_two()
    {
        var commands = PageCommandReader.InBlocks("README.md").Take(2).Select(line => line.Split(' ')[0]).ToArray();
        Assert.Equal(["scripts/demo", "scripts/test"], commands);
        Assert.All(commands, command => Assert.True(File.Exists(Path.Combine(Repository.Root, command))));
    }

    // The blocks of a page that a test takes and runs as they are count as run; of local.md, the test does not run what needs Docker.
    private static IEnumerable<string> Commands(string page) => PageCommandReader.InProse(page).Concat(
        PageCommandReader.InBlocks(page).Where(command =>
            !PageCommandList.Programs.ContainsKey(page) || command.StartsWith("docker ", StringComparison.Ordinal)));
}
