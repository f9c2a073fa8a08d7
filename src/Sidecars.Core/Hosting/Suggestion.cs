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
        var nearest = names.Select(name => (Name: name, Distance: Distance(word.ToLowerInvariant(), name))).Where(n => n.Distance <= MaxDistance && n.Distance < n.Name.Length / 2.0)
            .OrderBy(n => n.Distance).ThenBy(n => n.Name, StringComparer.Ordinal).Select(n => n.Name).FirstOrDefault();
        return nearest is null ? "" : $"; did you mean '{nearest}'?";
    }

    // Levenshtein: insertions, deletions and replacements.
    private static int Distance(string from, string to)
    {
        if (from.Length > 2 * to.Length + MaxDistance) return int.MaxValue; // whatever was pasted there
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
