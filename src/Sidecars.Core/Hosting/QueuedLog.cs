namespace Sidecars.Core.Hosting;

/// <summary>
/// A log whose callers never wait for its reader: lines are queued, and one thread writes them. While the reader of a full pipe is away,
/// lines that find no room are dropped, counted, and told of by one line once there is room again. Safe for concurrent use.
/// </summary>
public sealed class QueuedLog : IDisposable
{
    /// <summary>Bytes that wait at most: thousands of lines, hundreds of snapshots, and little beside what a container has.</summary>
    public const int MaxBytes = 1 << 20;

    // A reader that lives takes what waits in milliseconds. One that does not must not hold up the end of the process.
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(1);

    private readonly Action<ReadOnlySpan<byte>> _output;
    private readonly JsonLineLog _direct;
    private readonly QueuedLog? _snapshots;
    private readonly Queue<byte[]> _lines = new();
    private readonly object _gate = new(); // no Lock: it is waited on
    private readonly Thread _writer;
    private long _bytes;
    private long _dropped;
    private long _told;
    private bool _isWriting;
    private bool _ended;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where lines go; this alone writes to it, and leaves it open.</param>
    /// <param name="component">The component named in every line.</param>
    /// <param name="time">Stamps the lines.</param>
    /// <param name="minimum">The lowest level that is written.</param>
    /// <param name="isText">True for <see cref="LogFormat.Text"/>.</param>
    /// <param name="decisions">Keeps decisions with their snapshots.</param>
    public QueuedLog(
        Stream output, string component, TimeProvider time, LogLevel minimum, bool isText = false, DecisionFile? decisions = null)
        : this(
            line =>
            {
                output.Write(line);
                output.Flush();
            },
            component, time, minimum, isText, decisions)
    {
    }

    private QueuedLog(
        Action<ReadOnlySpan<byte>> output, string component, TimeProvider time, LogLevel minimum, bool isText, DecisionFile? decisions)
    {
        (_output, _direct) = (output, new JsonLineLog(output, component, time, minimum, isText));
        // A queue of its own: a disk that stalls holds up no line, and a reader that is away no snapshot.
        _snapshots = decisions is null ? null : new QueuedLog(decisions.Append, component, time, LogLevel.Debug, isText: false, null);
        Log = new JsonLineLog(Take, component, time, minimum, isText) { Snapshots = _snapshots?.Log };
        if (decisions is not null)
            decisions.Failed = why => Log.Warning("decisions-not-kept", $"CONFIG_DIR takes no decisions for 'status --explain': {why}");
        // A thread of its own: a write that blocks must not cost the pool one of its few. In the background: nor keep the process alive.
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>
    /// Creates the log of this process: on standard output, and its decisions in a file of <paramref name="folder"/> too.
    /// </summary>
    /// <param name="component">The component named in every line.</param>
    /// <param name="level">The lowest level that is written.</param>
    /// <param name="format">How.</param>
    /// <param name="folder">Where <see cref="DecisionFile"/> is; null: snapshots are not kept.</param>
    /// <param name="file">Its name, which one process alone may use; null: the component's.</param>
    public static QueuedLog OnStandardOutput(
        string component, LogLevel level, LogFormat format, string? folder = null, string? file = null) =>
        new(
            Console.OpenStandardOutput(), component, TimeProvider.System, level,
            format == LogFormat.Text || (format == LogFormat.Auto && !Console.IsOutputRedirected),
            folder is null ? null : new DecisionFile(folder, file ?? component));

    /// <summary>The log that callers write to.</summary>
    public JsonLineLog Log { get; }

    /// <summary>Lines that had no room, or could not be written.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Waits until all is written, for a second at most; false where it is not: its reader is away.</summary>
    public bool Drain()
    {
        var isDrained = DrainOwn();
        return (_snapshots?.Drain() ?? true) && isDrained;
    }

    /// <summary>Writes what waits, for a second at most; what comes later is dropped.</summary>
    public void Dispose()
    {
        _snapshots?.Dispose();
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
        }

        _writer.Join(FlushLimit);
    }

    private bool DrainOwn()
    {
        var began = Environment.TickCount64;
        lock (_gate)
        {
            while (_lines.Count > 0 || _isWriting)
            {
                var left = (int)FlushLimit.TotalMilliseconds - (int)(Environment.TickCount64 - began);
                if (left <= 0 || !Monitor.Wait(_gate, left)) return false;
            }

            return true;
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            if (_ended || _bytes + line.Length > MaxBytes)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            _lines.Enqueue(line.ToArray());
            _bytes += line.Length;
            Monitor.PulseAll(_gate);
        }
    }

    private void WriteAll()
    {
        while (Next() is { } line)
        {
            try
            {
                _output(line);
                TellOfDropped();
            }
            catch (Exception) // whatever the stream throws: on this thread it would end the process
            {
                Interlocked.Increment(ref _dropped);
            }
        }
    }

    // Null: ended, and all is written.
    private byte[]? Next()
    {
        lock (_gate)
        {
            _isWriting = false;
            if (_lines.Count == 0) Monitor.PulseAll(_gate); // whoever drains
            while (_lines.Count == 0 && !_ended) Monitor.Wait(_gate);
            if (!_lines.TryDequeue(out var line)) return null;
            _isWriting = true;
            _bytes -= line.Length;
            return line;
        }
    }

    private void TellOfDropped()
    {
        var dropped = Dropped;
        if (dropped == _told) return;
        _direct.Warning("log-dropped", "lines of this log were dropped: its reader did not keep up", LogField.Of("lines", dropped - _told),
            LogField.Of("lines_total", dropped));
        _told = dropped;
    }
}
