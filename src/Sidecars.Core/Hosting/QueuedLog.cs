namespace Sidecars.Core.Hosting;

/// <summary>
/// A log whose callers never wait for its reader: lines are queued, and one thread writes them. While the reader of a full pipe is away,
/// lines that find no room are dropped, counted, and told of by one line once there is room again. Safe for concurrent use.
/// </summary>
public sealed class QueuedLog : IDisposable
{
    /// <summary>Bytes that wait at most: hundreds of decisions with their snapshots, and little beside what a container has.</summary>
    public const int MaxBytes = 1 << 20;

    // A reader that lives takes what waits in milliseconds. One that does not must not hold up the end of the process.
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(1);

    private readonly Stream _output;
    private readonly JsonLineLog _direct;
    private readonly Queue<byte[]> _lines = new();
    private readonly object _gate = new(); // no Lock: it is waited on
    private readonly Thread _writer;
    private long _bytes;
    private long _dropped;
    private long _told;
    private bool _ended;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where lines go; this alone writes to it, and leaves it open.</param>
    /// <param name="component">The component named in every line.</param>
    /// <param name="time">Stamps the lines.</param>
    /// <param name="minimum">The lowest level that is written.</param>
    public QueuedLog(Stream output, string component, TimeProvider time, LogLevel minimum)
    {
        (_output, _direct) = (output, new JsonLineLog(output, component, time, minimum));
        Log = new JsonLineLog(Take, component, time, minimum);
        // A thread of its own: a write that blocks must not cost the pool one of its few. In the background: nor keep the process alive.
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>The log that callers write to.</summary>
    public JsonLineLog Log { get; }

    /// <summary>Lines that had no room, or could not be written.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Writes what waits, for a second at most; what comes later is dropped.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            Monitor.Pulse(_gate);
        }

        _writer.Join(FlushLimit);
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
            Monitor.Pulse(_gate);
        }
    }

    private void WriteAll()
    {
        while (Next() is { } line)
        {
            try
            {
                _output.Write(line);
                _output.Flush();
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
            while (_lines.Count == 0 && !_ended) Monitor.Wait(_gate);
            if (!_lines.TryDequeue(out var line)) return null;
            _bytes -= line.Length;
            return line;
        }
    }

    private void TellOfDropped()
    {
        var dropped = Dropped;
        if (dropped == _told) return;
        _direct.Warning("log-dropped", "lines of this log were dropped: its reader did not keep up", LogField.Of("lines", dropped - _told), LogField.Of("lines_total", dropped));
        _told = dropped;
    }
}
