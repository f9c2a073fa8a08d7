using System.Text;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Reads what a process writes into one of its pipes, line by line. While it is held nobody reads: the pipe is full, and whoever writes
/// to it waits, as a container does whose runtime has stopped taking its log.
/// </summary>
internal sealed class OutputPump : IAsyncDisposable
{
    private const byte Filler = 0; // no server writes it: what filled the pipe is left out of its lines
    private const int Chunk = 8192;
    private readonly Stream _pipe;
    private readonly Action<string?> _line;
    private readonly Lock _gate = new();
    private readonly Task _running;
    private TaskCompletionSource? _released;
    private TaskCompletionSource _parked = Source();
    private bool _ended;

    /// <summary>Begins to read.</summary>
    /// <param name="pipe">Ours from now on.</param>
    /// <param name="line">Told each line; null at the end.</param>
    public OutputPump(Stream pipe, Action<string?> line)
    {
        (_pipe, _line) = (pipe, line);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Stops reading, and returns once the pipe is full.</summary>
    /// <param name="fill">Writes zeros into the pipe until a write would block.</param>
    public async Task HoldAsync(Action fill)
    {
        lock (_gate) _released ??= Source();
        fill(); // a read that waits for something gets these
        await _parked.Task;
        fill();
    }

    /// <summary>Reads on.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _released?.TrySetResult();
            _released = null;
            if (!_ended) _parked = Source();
        }
    }

    /// <summary>Closes the pipe; the process has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Release();
        await _pipe.DisposeAsync();
        await _running;
    }

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var (buffer, line) = (new byte[Chunk], new List<byte>());
        try
        {
            while (true)
            {
                await WhenReleasedAsync();
                var count = await _pipe.ReadAsync(buffer);
                if (count == 0) break;
                foreach (var one in buffer.AsSpan(0, count))
                {
                    if (one == (byte)'\n') Tell(line);
                    else if (one != Filler) line.Add(one);
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed while a child of the process held the other end.
        }

        if (line.Count > 0) Tell(line);
        _line(null);
        lock (_gate)
        {
            _ended = true;
            _parked.TrySetResult();
        }
    }

    private Task WhenReleasedAsync()
    {
        lock (_gate)
        {
            if (_released is null) return Task.CompletedTask;
            _parked.TrySetResult();
            return _released.Task;
        }
    }

    private void Tell(List<byte> line)
    {
        _line(Encoding.UTF8.GetString([.. line]).TrimEnd('\r'));
        line.Clear();
    }
}
