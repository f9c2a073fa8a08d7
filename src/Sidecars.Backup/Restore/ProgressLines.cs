using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Restore;

/// <summary>
/// What a command that takes a while is at, on standard error: on a terminal one line that is redrawn, elsewhere a line every 5 s. Nothing
/// is said of what is done before the first of them.
/// </summary>
internal sealed class ProgressLines : IProgress<RestoreProgress>, IDisposable
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Line = TimeSpan.FromSeconds(5); // what a log takes
    private readonly Lock _gate = new();
    private readonly TextWriter _output;
    private readonly bool _isTerminal;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private string _doing = "";
    private RestoreProgress _progress;
    private long _began;
    private int _drawn;

    /// <param name="output">Standard error.</param>
    /// <param name="isTerminal">A person looks at it.</param>
    /// <param name="time">Its clock.</param>
    public ProgressLines(TextWriter output, bool isTerminal, TimeProvider time)
    {
        (_output, _isTerminal, _time, _began) = (output, isTerminal, time, time.GetTimestamp());
        var period = isTerminal ? Redraw : Line;
        _timer = time.CreateTimer(_ => Print(), null, period, period);
    }

    /// <summary>Begins something else: "loading the restored data".</summary>
    public void Begin(string doing)
    {
        lock (_gate)
        {
            if (doing == _doing) return;
            (_doing, _progress, _began) = (doing, default, _time.GetTimestamp());
        }
    }

    /// <inheritdoc/>
    public void Report(RestoreProgress value)
    {
        lock (_gate) _progress = value;
    }

    /// <summary>Ends it, and clears what was drawn.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            if (_drawn > 0) _output.Write("\r" + new string(' ', _drawn) + "\r");
            _drawn = 0;
        }
    }

    private void Print()
    {
        lock (_gate)
        {
            if (_doing.Length == 0) return;
            var text = Text();
            if (!_isTerminal)
            {
                _output.WriteLine(text);
                return;
            }

            _output.Write("\r" + text.PadRight(_drawn));
            _drawn = text.Length;
        }
    }

    private string Text()
    {
        var seconds = _time.GetElapsedTime(_began).TotalSeconds;
        if (_progress.Total <= 0) return $"{_doing}, {DurationText.Of(TimeSpan.FromSeconds(Math.Round(seconds)))}";
        var rate = _progress.Done / Math.Max(seconds, 0.001);
        var left = (_progress.Total - _progress.Done) / Math.Max(1, rate);
        var leftText = DurationText.About(TimeSpan.FromSeconds(Math.Min(Math.Round(left), int.MaxValue)));
        return $"{_doing}: {Size.Of(_progress.Done)} of {Size.Of(_progress.Total)}, {Size.Of((long)rate)}/s, {leftText} left";
    }
}

/// <summary>Bytes for people.</summary>
internal static class Size
{
    public static string Of(long bytes) => bytes switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0} kB"),
        < 10_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };
}
