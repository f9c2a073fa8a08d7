using System.Globalization;

namespace Sidecars.Failover.Status;

/// <summary>A terminal's size; null: the output is none.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Lines.</param>
internal sealed record TerminalSize(int Width, int Height)
{
    /// <summary>More columns would only spread the table.</summary>
    private const int Widest = 160;

    /// <summary>Of a terminal that does not say, and of anything else.</summary>
    public static int WidthOf(TerminalSize? size) => size is { Width: > 0 } ? Math.Min(size.Width, Widest) : StatusTable.DefaultWidth;
}

/// <summary>
/// Shows report after report: on a terminal each in place of the one before, otherwise one below the other. The cursor is hidden meanwhile,
/// and back however it ends.
/// </summary>
/// <param name="output">Where to.</param>
/// <param name="size">The terminal now, a window can change; null: it is none.</param>
/// <param name="asJson">One object a line.</param>
/// <param name="paint">Colours.</param>
internal sealed class StatusScreen(TextWriter output, Func<TerminalSize?> size, bool asJson, Paint paint)
{
    private const string Hide = "\e[?25l", Show = "\e[?25h", Clear = "\e[2J", Home = "\e[H", EraseLine = "\e[K", EraseBelow = "\e[J";

    private bool _isDrawn;

    /// <summary>Shows one report, and no more.</summary>
    public Task OnceAsync(StatusReport report) =>
        WriteAsync(asJson ? StatusJson.Write(report) : Text(StatusTable.Lines(report, TerminalSize.WidthOf(size()), paint)));

    /// <summary>Shows the next one of many.</summary>
    public Task NextAsync(StatusReport report)
    {
        if (asJson) return WriteAsync(StatusJson.Write(report, oneLine: true));
        var terminal = size();
        var lines = StatusTable.Lines(report, TerminalSize.WidthOf(terminal), paint).ToList();
        if (terminal is null) return WriteAsync(Text(lines) + "\n");
        var begin = _isDrawn ? "" : Hide + Clear;
        _isDrawn = true;
        // Erased before it is written: behind a line that fills the row, a terminal would erase its last character.
        return WriteAsync(begin + Home + string.Join('\n', Clipped(lines, terminal.Height).Select(line => EraseLine + line)) + EraseBelow);
    }

    /// <summary>Gives the terminal back; the last report stays.</summary>
    public Task EndAsync() => _isDrawn ? WriteAsync("\n" + Show) : Task.CompletedTask;

    // A line more would scroll the first one away.
    private static IEnumerable<string> Clipped(List<string> lines, int height) => height <= 1 || lines.Count < height
        ? lines
        : lines.Take(height - 2).Append(string.Create(
            CultureInfo.InvariantCulture, $"… {lines.Count - height + 2} more lines: enlarge the window"));

    private static string Text(IEnumerable<string> lines) => string.Join('\n', lines) + "\n";

    private async Task WriteAsync(string text)
    {
        await output.WriteAsync(text).ConfigureAwait(false);
        await output.FlushAsync().ConfigureAwait(false);
    }
}
