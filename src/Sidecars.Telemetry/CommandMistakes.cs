using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Telemetry;

/// <summary>What a person is told whose command line is wrong: the same words in both sidecars.</summary>
public static class CommandMistakes
{
    /// <summary>The lines, the last of which names the help.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">As given.</param>
    /// <param name="commands">Names of the commands.</param>
    /// <param name="options">Names of the options that the command takes.</param>
    /// <param name="unknown">What was given and is none of them.</param>
    /// <param name="parsed">What the parser says of the rest.</param>
    public static IEnumerable<string> Lines(
        string program, IReadOnlyList<string> arguments, IReadOnlyList<string> commands,
        IReadOnlyList<string> options, IReadOnlyList<string> unknown, IEnumerable<string> parsed)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(unknown);
        var all = string.Join(", ", commands);
        var called = program;
        if (arguments.Count == 0)
            yield return $"{program} needs a command: {all}.";
        else if (!arguments[0].StartsWith('-') && !commands.Contains(arguments[0]))
            yield return $"'{Shown(arguments[0])}' is none of {program}'s commands, {all}{Suggestion.For(arguments[0], commands)}";
        else
        {
            if (commands.Contains(arguments[0])) called += " " + arguments[0];
            foreach (var word in unknown)
                yield return word.StartsWith('-')
                    ? $"'{Shown(word)}' is none of the options of '{called}', {string.Join(", ", options)}{Suggestion.For(word, options)}"
                    : $"'{Shown(word)}' is one word too many for '{called}'";
            foreach (var mistake in parsed) yield return mistake;
        }

        var more = called == program ? "" : $", '{called} --help' what the command takes";
        yield return $"'{program} --help' lists commands and settings{more}.";
    }

    /// <summary>Why a value of an option is wrong; null where it is not.</summary>
    /// <param name="option">Its name.</param>
    /// <param name="value">As given.</param>
    /// <param name="right">All that are right.</param>
    public static string? OneOf(string option, string? value, params IReadOnlyList<string> right)
    {
        if (value is null || right.Contains(value)) return null;
        return $"{option} is '{Shown(value)}'; it must be {string.Join(" or ", right)}{Suggestion.For(value, right)}";
    }

    /// <summary>Why a duration is wrong; null where it is not.</summary>
    /// <param name="option">Its name.</param>
    /// <param name="text">As given; seconds where it is a number alone.</param>
    /// <param name="min">The shortest that is right.</param>
    /// <param name="max">The longest.</param>
    /// <param name="duration">The duration, where it is right.</param>
    public static string? Duration(string option, string text, TimeSpan min, TimeSpan max, out TimeSpan duration)
    {
        if (DurationText.TryParse(text, TimeSpan.FromSeconds(1), out duration) && duration >= min && duration <= max) return null;
        return $"{option} is '{Shown(text)}'; it must be a duration (25s, 5m, 1h30m), {DurationText.Of(min)} to {DurationText.Of(max)}";
    }

    private static string Shown(string text) => SettingReader.Shown(text);
}
