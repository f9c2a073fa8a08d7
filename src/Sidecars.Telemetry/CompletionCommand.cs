using System.CommandLine;
using System.CommandLine.Completions;

namespace Sidecars.Telemetry;

/// <summary><c>completion bash|zsh|fish</c>: prints the completion script of a shell, made from the command tree.</summary>
public static class CompletionCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="program">Name of the executable.</param>
    /// <param name="root">The tree, which is read when the command runs: it holds this command, too.</param>
    /// <param name="output">Where the script goes.</param>
    /// <param name="others">Programs without such a command, whose scripts are printed behind.</param>
    public static Command Create(
        string program, Func<RootCommand> root, TextWriter output, IReadOnlyList<CompletionProgram>? others = null)
    {
        others ??= [];
        var shell = new Argument<string>("shell") { Description = string.Join(", ", CompletionScript.Shells) };
        shell.CompletionSources.Add(_ => CompletionScript.Shells.Select(name => new CompletionItem(name)));
        shell.Validators.Add(given =>
        {
            if (CommandMistakes.OneOf("the shell", given.GetValueOrDefault<string>(), CompletionScript.Shells) is { } why)
                given.AddError(why);
        });
        var also = others.Count == 0 ? "" : $" It completes {string.Join(", ", others.Select(other => other.Name))}, too.";
        var what = $"Prints the completion script of a shell: source <({program} completion bash).{also}";
        var command = new Command("completion", what) { shell };
        command.SetAction(async (parsed, _) =>
        {
            var name = parsed.GetRequiredValue(shell);
            await output.WriteAsync(Script(name, program, root())).ConfigureAwait(false);
            foreach (var other in others)
                await output.WriteAsync(CompletionScript.Of(name, other.Name, other.Root, other.Commands)).ConfigureAwait(false);
            await output.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    /// <summary>Writes the script of a shell for a command tree.</summary>
    /// <param name="shell">One of <see cref="CompletionScript.Shells"/>.</param>
    /// <param name="program">Name of the executable.</param>
    /// <param name="root">The tree.</param>
    public static string Script(string shell, string program, RootCommand root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var everywhere = root.Options.Where(option => option.Recursive).ToArray();
        return CompletionScript.Of(
            shell, program, Node(root, root.Options), [.. root.Subcommands.Select(c => Node(c, c.Options.Concat(everywhere)))]);
    }

    private static CompletionNode Node(Command command, IEnumerable<Option> options) => new(
        command.Name, Sentence(command.Description),
        [.. options.DistinctBy(option => option.Name).Select(option => new CompletionWord(
            option.Name, Sentence(option.Description), Values(option), IsFlag(option)))],
        [.. command.Arguments.SelectMany(Values)]);

    private static bool IsFlag(Option option) => option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0;

    private static string[] Values(Symbol symbol) =>
        symbol is Option option && IsFlag(option) ? [] : [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label)];

    // A shell shows one line: the first sentence is enough of it.
    private static string Sentence(string? text)
    {
        var end = (text ?? "").IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? text ?? "" : text![..end]).TrimEnd('.');
    }
}
