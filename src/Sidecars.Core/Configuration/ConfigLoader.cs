using System.IO.Enumeration;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Configuration;

/// <summary>
/// Reads a configuration with its <c>include</c> files in place, so that a plan sees every setting, and Redis' CONFIG
/// REWRITE later writes the one file that it reads.
/// </summary>
public static class ConfigLoader
{
    /// <summary>Most bytes of all files together: a thousand times the shipped redis.conf is no configuration.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxDepth = 8; // deep enough for any real nesting; an include that includes itself ends here

    /// <summary>Reads the file and what it includes.</summary>
    /// <param name="path">The base file.</param>
    /// <returns>The document.</returns>
    /// <exception cref="IOException">A file cannot be read, is too large, or includes itself; the message names it.</exception>
    public static RedisConfigDocument Load(string path)
    {
        var lines = new List<ConfigLine>();
        var budget = MaxBytes;
        Load(path, depth: 0, lines, ref budget);
        return RedisConfigDocument.Of(lines);
    }

    private static void Load(string path, int depth, List<ConfigLine> lines, ref int budget)
    {
        if (depth > MaxDepth) throw new IOException($"{path} is included more than {MaxDepth} levels deep; does it include itself?");
        var bytes = BoundedFile.Read(path, budget);
        budget -= bytes.Length;
        foreach (var line in RedisConfigDocument.Parse(bytes).Lines)
            if (line.Name == "include" && line.Count == 1)
                foreach (var included in Expand(line.Text(0))) Load(included, depth + 1, lines, ref budget);
            else
                lines.Add(line);
    }

    // As Redis: relative to the working directory; a pattern may match nothing, a plain name must exist.
    private static IEnumerable<string> Expand(string pattern)
    {
        if (!pattern.AsSpan().ContainsAny("*?[")) return [pattern];
        var directory = Path.GetDirectoryName(pattern) is { Length: > 0 } d ? d : ".";
        var name = Path.GetFileName(pattern);
        // Refused rather than read as something else: a setting must not get lost unnoticed.
        if (directory.AsSpan().ContainsAny("*?[") || name.Contains('['))
            throw new IOException($"include {pattern}: only * and ? in the file name are supported");
        if (!Directory.Exists(directory)) return [];
        return Directory.EnumerateFiles(directory)
            .Where(file => FileSystemName.MatchesSimpleExpression(name, Path.GetFileName(file), ignoreCase: false))
            .Where(file => name[0] == '.' || Path.GetFileName(file)[0] != '.')
            .Order(StringComparer.Ordinal);
    }
}
