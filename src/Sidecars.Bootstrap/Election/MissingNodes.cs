using System.Collections.Immutable;
using System.Globalization;

namespace Sidecars.Bootstrap.Election;

/// <summary>Names for the nodes that are not here. Pure.</summary>
internal static class MissingNodes
{
    /// <summary>
    /// Those that are known by name; where that is not all, and the nodes are numbered from 0 as a StatefulSet's pods are, the
    /// numbers between; else how many there are.
    /// </summary>
    /// <param name="here">Names of those that are.</param>
    /// <param name="known">Names of others, from the record and from earlier evidence.</param>
    /// <param name="size">How many there should be.</param>
    public static ImmutableArray<string> Of(IReadOnlyCollection<string> here, IEnumerable<string> known, int size)
    {
        var absent = known.Where(n => !here.Contains(n, StringComparer.Ordinal)).Distinct(StringComparer.Ordinal).ToList();
        var wanted = Math.Max(1, size - here.Count);
        if (absent.Count < wanted && Numbered([.. here, .. absent], size) is { } all)
            absent.AddRange(all.Where(n => !here.Contains(n, StringComparer.Ordinal) && !absent.Contains(n, StringComparer.Ordinal)));
        return absent.Count > 0 ? [.. absent.Order(StringComparer.Ordinal)] : [$"{wanted} more node(s)"];
    }

    private static List<string>? Numbered(IReadOnlyCollection<string> names, int size)
    {
        var prefixes = names.Select(n => n[..(n.LastIndexOf('-') + 1)]).Distinct(StringComparer.Ordinal).ToList();
        if (prefixes is not [{ Length: > 1 } prefix]) return null;
        var all = Enumerable.Range(0, size).Select(i => string.Create(CultureInfo.InvariantCulture, $"{prefix}{i}")).ToList();
        return names.All(n => all.Contains(n, StringComparer.Ordinal)) ? all : null;
    }
}
