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
        // LINQ over pairs would be compiled anew for each kind of pair: 50 KB of redis-bootstrap.
        var (nearest, least) = ((string?)null, MaxDistance + 1);
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            var distance = Distance(word.ToLowerInvariant(), name);
            if (distance < least && distance < name.Length / 2.0) (nearest, least) = (name, distance);
        }

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
