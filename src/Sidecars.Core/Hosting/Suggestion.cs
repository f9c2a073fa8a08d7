namespace Sidecars.Core.Hosting;

/// <summary>"Did you mean": the name that a mistyped word is nearest to.</summary>
public static class Suggestion
{
    // Two keys missed, added or wrong; more would suggest another word altogether.
    private const int MaxDistance = 2;

    /// <summary><c>; did you mean 'step-down'?</c>, or "" where no name is near.</summary>
    /// <param name="word">As typed.</param>
    /// <param name="names">What would be right.</param>
    public static string For(string word, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(word);
        var nearest = names.Select(name => (Name: name, Distance: Distance(word.ToLowerInvariant(), name)))
            .Where(n => n.Distance <= MaxDistance && n.Distance < n.Name.Length / 2.0)
            .OrderBy(n => n.Distance).ThenBy(n => n.Name, StringComparer.Ordinal).Select(n => n.Name).FirstOrDefault();
        return nearest is null ? "" : $"; did you mean '{nearest}'?";
    }

    // Insertions, deletions, replacements, and neighbours swapped ("lsit").
    private static int Distance(string from, string to)
    {
        if (from.Length > 2 * to.Length + MaxDistance) return int.MaxValue; // whatever was pasted there
        var steps = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                steps[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(steps[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1), Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    steps[i, j] = Math.Min(steps[i, j], steps[i - 2, j - 2] + 1);
            }
        }

        return steps[from.Length, to.Length];
    }
}
