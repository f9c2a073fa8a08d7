namespace Sidecars.Demo.Output;

/// <summary>For a terminal: steps scroll by above a table that is drawn anew five times a second.</summary>
/// <param name="output">The terminal.</param>
/// <param name="paint">Colors.</param>
/// <param name="width">Its columns, asked before each line: a window can be resized.</param>
internal sealed class LiveDisplay(TextWriter output, Paint paint, Func<int> width) : IDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly Lock _gate = new();
    private readonly StateTable _table = new(paint);
    private readonly CancellationTokenSource _stop = new();
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private Stage? _stage;
    private Task _drawing = Task.CompletedTask;
    private int _height;

    public void Attach(Stage stage)
    {
        _stage = stage;
        _drawing = Task.Run(DrawAsync);
    }

    public void Title(string text) => Print(" ", text, paint.Strong);

    public void Result(string text) => Print("   ", text, paint.Good);

    public void Alarm(string text) => Print("   ", text, paint.Bad);

    public async ValueTask DisposeAsync()
    {
        if (_stage is null) return;
        await _stop.CancelAsync();
        await _drawing;
        lock (_gate) Write([]);
        _stage = null;
        _stop.Dispose();
    }

    private string Clock() => $"{TimeProvider.System.GetElapsedTime(_started).TotalSeconds,6:0.0} s";

    private async Task DrawAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            lock (_gate) Write([]);
            await Task.Delay(Interval, TimeProvider.System, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private void Print(string gap, string text, Func<string, string> painted)
    {
        var clock = Clock();
        var room = width() - clock.Length - gap.Length;
        var lines = WordWrap.Lines(text, room, room).Select((line, i) =>
            (i == 0 ? paint.Faint(clock) : new string(' ', clock.Length)) + gap + painted(line));
        lock (_gate) Write([.. lines]);
    }

    // Erases the table, prints what stays, draws the table below it: one write, so that nothing flickers.
    private void Write(string[] lines)
    {
        string[] table = _stage is null ? [] : ["", .. _table.Rows(_stage)];
        var erase = _height > 0 ? $"\e[{_height}F\e[0J" : "";
        // Without auto-wrap while the table is drawn: a row wider than the terminal must stay one row, or it could not be erased.
        output.Write($"{erase}{Joined(lines)}\e[?7l{Joined(table)}\e[?7h");
        output.Flush();
        _height = table.Length;
    }

    private static string Joined(string[] lines) => string.Concat(lines.Select(line => line + "\n"));
}
