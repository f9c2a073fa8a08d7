using System.Globalization;

namespace Sidecars.Demo.Output;

/// <summary>The figures of a scenario for a width: a row for each step, its title on further lines where it is too long for one.</summary>
internal static class FigureTable
{
    private const int LeastTitle = 24;
    private const int MostTitle = 60;

    /// <summary>The rows, the head first.</summary>
    /// <param name="figures">Of a scenario.</param>
    /// <param name="paint">Colors.</param>
    /// <param name="width">Of the terminal.</param>
    public static IEnumerable<string> Rows(Figures figures, Paint paint, int width)
    {
        var hasRecord = figures.Steps.Any(step => step.RecordGapSeconds is not null);
        var numbers = $"{"healed",9}{"gap",9}{(hasRecord ? $"{"by record",11}" : "")}{"writes",11}{"lost",6}";
        var room = Math.Clamp(width - numbers.Length, LeastTitle, MostTitle);
        yield return paint.Strong(Column("step", room) + numbers);
        foreach (var line in Row("first acknowledged write", Seconds(figures.FirstWriteSeconds, 9), room)) yield return line;
        foreach (var step in figures.Steps)
        {
            var record = hasRecord ? Seconds(step.RecordGapSeconds, 11) : "";
            var times = Seconds(step.HealedSeconds, 9) + Seconds(step.LongestGapSeconds, 9) + record;
            var writes = $"{StateTable.Count(step.AcknowledgedWrites),11}{Lost(step, paint)}";
            foreach (var line in Row(step.Step, times + writes, room)) yield return line;
        }
    }

    private static string Lost(StepFigures step, Paint paint)
    {
        var text = $"{StateTable.Count(step.LostWrites),6}";
        return step.LostWrites == 0 ? paint.Good(text) : step.MayLose is not null ? paint.Doubtful(text) : paint.Bad(text);
    }

    private static IEnumerable<string> Row(string title, string cells, int room)
    {
        var lines = WordWrap.Lines(title, room - 1, room - 3);
        yield return Column(lines[0], room) + cells;
        foreach (var line in lines.Skip(1)) yield return "  " + line;
    }

    private static string Column(string text, int room) => text.PadRight(room);

    private static string Seconds(double? seconds, int room) =>
        (seconds is { } known ? known.ToString("0.00", CultureInfo.InvariantCulture) + " s" : "-").PadLeft(room);
}
