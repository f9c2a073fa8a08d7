namespace Sidecars.Core.Hosting;

/// <summary>What a person is told whose command line is wrong: the same words in both sidecars.</summary>
public static class CommandMistakes
{
    /// <summary>The lines, the last of which names the help.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">As given.</param>
    /// <param name="commands">Names of the commands.</param>
    /// <param name="parsed">What the parser says.</param>
    public static IEnumerable<string> Lines(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> commands, IEnumerable<string> parsed)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(parsed);
        var all = string.Join(", ", commands);
        if (arguments.Count == 0)
            yield return $"{program} needs a command: {all}.";
        else if (!arguments[0].StartsWith('-') && !commands.Contains(arguments[0]))
            yield return $"'{arguments[0]}' is none of {program}'s commands, {all}{Suggestion.For(arguments[0], commands)}";
        else
            foreach (var mistake in parsed) yield return mistake;
        yield return $"'{program} --help' lists commands and settings.";
    }
}
