namespace Sidecars.Failover.Status;

/// <summary>Text of a bounded width, from whatever a server said. Pure.</summary>
internal static class TextLayout
{
    private const int Gap = 2;
    private const int Narrowest = 8; // of a column that is shortened: still a part of an address

    /// <summary>A table. Columns that do not fit are left out, in a given order; then the widest are shortened.</summary>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="head">Heads.</param>
    /// <param name="rows">Cells.</param>
    /// <param name="spare">Heads of those that may be left out, the first one first.</param>
    /// <param name="paint">Colours.</param>
    public static IEnumerable<string> Table(int width, string[] head, IEnumerable<string?[]> rows, string[] spare, Paint paint)
    {
        string[][] all = [head, .. rows.Select(row => row.Select(cell => Clean(cell ?? "")).ToArray())];
        var columns = Enumerable.Range(0, head.Length).Where(i => all.Length == 1 || all.Skip(1).Any(row => row[i].Length > 0)).ToList();
        var widths = Enumerable.Range(0, head.Length).Select(i => all.Max(row => row[i].Length)).ToArray();
        foreach (var name in spare)
            if (Sum() > width) columns.Remove(Array.IndexOf(head, name));
        while (Sum() > width && columns.MaxBy(i => widths[i]) is var widest && widths[widest] > Narrowest) widths[widest]--;
        return all.Select((row, n) => string.Concat(columns.Select((i, at) =>
        {
            var cell = Shorten(row[i], widths[i]);
            if (at < columns.Count - 1) cell = cell.PadRight(widths[i] + Gap);
            return n == 0 ? paint.Head(cell) : paint.Cell(cell);
        })).TrimEnd());

        int Sum() => columns.Sum(i => widths[i] + Gap) - Gap;
    }

    /// <summary>Words in lines; a word that is longer than a line is cut.</summary>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="first">What the first line begins with.</param>
    /// <param name="text">The text.</param>
    /// <param name="indent">Blanks before the others.</param>
    public static IEnumerable<string> Wrap(int width, string first, string text, int indent)
    {
        var (line, margin) = (first, new string(' ', indent));
        foreach (var word in Clean(text).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length + word.Length > width && line != margin && line != first)
            {
                yield return line.TrimEnd();
                line = margin;
            }

            line += word;
            for (; line.Length > width; line = margin + line[width..]) yield return line[..width];
            line += ' ';
        }

        yield return line.TrimEnd();
    }

    /// <summary>What a server said must not move a person's cursor.</summary>
    public static string Clean(string text) =>
        text.Any(char.IsControl) ? new string([.. text.Select(c => char.IsControl(c) ? '?' : c)]) : text;

    // An address differs at its end, a name at its start: the middle goes.
    private static string Shorten(string cell, int width) =>
        cell.Length <= width ? cell : string.Concat(cell.AsSpan(0, (width - 1) / 2), "…", cell.AsSpan(cell.Length - (width / 2)));
}
