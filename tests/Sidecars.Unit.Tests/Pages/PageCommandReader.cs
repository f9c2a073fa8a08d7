using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>
/// Reads the commands of a page, each as its words with single blanks: of fenced blocks, indented ones too, marked as shell or not marked,
/// and of code in a sentence. The namespace of kubectl and the file of docker compose are left out; what either runs in a container is a
/// command of its own.
/// </summary>
internal static partial class PageCommandReader
{
    /// <summary>Languages of blocks that hold no command.</summary>
    public static readonly IReadOnlySet<string> OtherLanguages =
        new HashSet<string> { "csharp", "java", "js", "mermaid", "python", "yaml" };

    // Code of a sentence that begins with one of these is a directive, a message, an option or a part of a command, and no command.
    private static readonly HashSet<string> NoPrograms =
    [
        .. (
            "aof-timestamp-enabled app.kubernetes.io appendfsync appendonly apply client-output-buffer-limit cluster-enabled create "
            + "deny-scripts-reconfig didn't down full get is node(s) parallel-syncs patch pod protected-mode rdbcompression "
            + "repl-backlog-ttl repl-diskless-sync repl-diskless-sync-delay repl-ping-replica-period repl-timeout replica-priority "
            + "resolve-hostnames rollout save scheduled sentinel shutdown-on-sigterm status step-down tls-auth-clients trust user volume")
            .Split(' '),
    ];

    /// <summary>What stands in blocks.</summary>
    public static IEnumerable<string> InBlocks(string page) =>
        Fence().Matches(Text(page)).Where(block => !OtherLanguages.Contains(block.Groups["language"].Value)).SelectMany(OfBlock);

    /// <summary>What stands in sentences and tables: the name of a program that something follows.</summary>
    public static IEnumerable<string> InProse(string page) =>
        Code().Matches(Fence().Replace(Text(page), ""))
            .Select(code => Blanks().Replace(code.Groups["text"].Value, " "))
            .Where(code => ProgramAndMore().Match(code) is { Success: true } match && !NoPrograms.Contains(match.Groups["program"].Value))
            .SelectMany(OfLine);

    /// <summary>Languages of a page's blocks.</summary>
    public static IEnumerable<string> Languages(string page) =>
        Fence().Matches(Text(page)).Select(block => block.Groups["language"].Value);

    /// <summary>How many fences begin or end on a page.</summary>
    public static int Fences(string page) => FenceLine().Count(Text(page));

    private static string Text(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    private static IEnumerable<string> OfBlock(Match block)
    {
        var text = Document().Replace(Continued().Replace(block.Groups["text"].Value, " "), "");
        foreach (var line in text.Split('\n').Select(line => Blanks().Replace(Comment().Replace(line, ""), " ").Trim()))
        {
            // A block that is not marked lists subcommands: PROGRAM one | another.
            if (block.Groups["language"].Value.Length == 0 && line.Length > 0)
            {
                var (first, others) = (line.Split(" | ")[0], line.Split(" | ")[1..]);
                yield return first;
                foreach (var other in others) yield return $"{first.Split(' ')[0]} {other}";
            }
            else
            {
                foreach (var command in OfLine(line)) yield return command;
            }
        }
    }

    private static IEnumerable<string> OfLine(string line) =>
        Separator().Split(line).Select(part => Loop().Match(part) is { Success: true } loop ? loop.Groups["from"].Value : part)
            .Select(part => ScopeOption().Replace(Leading().Replace(part.Trim(), ""), "$1"))
            .Where(part => part.Length > 0 && !LoopWord().IsMatch(part))
            .SelectMany(Alternatives).SelectMany(Inner);

    // PROGRAM one|two: one command each.
    private static IEnumerable<string> Alternatives(string command)
    {
        var words = command.Split(' ');
        return words.Length > 1 && AlternativeWord().IsMatch(words[1])
            ? words[1].Split('|').Select(word => string.Join(' ', [words[0], word, .. words[2..]]))
            : [command];
    }

    private static IEnumerable<string> Inner(string command) =>
        InContainer().Match(command) is { Success: true } match ? [match.Groups["outer"].Value, match.Groups["inner"].Value] : [command];

    [GeneratedRegex(@"^(?<indent> *)```(?<language>[a-z]*)\n(?<text>.*?)^\k<indent>```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^ *```", RegexOptions.Multiline)]
    private static partial Regex FenceLine();

    [GeneratedRegex(@"`(?<text>[^`\n]+(?:\n[^`\n]+)?)`")]
    private static partial Regex Code();

    // The name may stand behind assignments and "source <(". A colon, an equals sign or a capital makes it something else.
    [GeneratedRegex(@"^(?:[A-Z_]+=\S+ )*(?:source <\()?(?<program>[a-z.~][\w./()'-]*) \S")]
    private static partial Regex ProgramAndMore();

    // A document that is passed to a command.
    [GeneratedRegex(@"<<'END'\n.*?^ *END$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Document();

    // By a backslash, or by a next line that begins with an option.
    [GeneratedRegex(@"\\\n|\n(?= *--[a-z])")]
    private static partial Regex Continued();

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@" && | \| |; ")]
    private static partial Regex Separator();

    // for NAME in $(COMMAND), NAME=$(COMMAND)
    [GeneratedRegex(@"^(?:for \w+ in |\w+=)\$\((?<from>[^)(]+)\)$")]
    private static partial Regex Loop();

    [GeneratedRegex(@"^(?:do |time |(?:[A-Za-z_]+=\S+ )+|source <\()+")]
    private static partial Regex Leading();

    [GeneratedRegex(@"^(kubectl|docker compose) (?:-n|-f) \S+")]
    private static partial Regex ScopeOption();

    [GeneratedRegex(@"^(for .*|do|done)$")]
    private static partial Regex LoopWord();

    [GeneratedRegex(@"^[a-z]+(\|[a-z]+)+$")]
    private static partial Regex AlternativeWord();

    [GeneratedRegex(@"^(?<outer>kubectl exec \S+ -c \S+) -- (?<inner>.+)$|^(?<outer>docker compose exec \S+) (?<inner>.+)$")]
    private static partial Regex InContainer();
}
