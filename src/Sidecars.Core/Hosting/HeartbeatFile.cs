using Sidecars.Core.Primitives;

namespace Sidecars.Core.Hosting;

/// <summary>
/// The heartbeat of a process that waits, in a volume it shares with the probes of its pod: startup and liveness accept a
/// fresh one, so that kubelet does not kill what only waits. Safe for concurrent use.
/// </summary>
/// <param name="path">The file; its directory must exist.</param>
/// <param name="component">See <see cref="HeartbeatDocument.Component"/>.</param>
/// <param name="time">For the times in the file, and for the rhythm.</param>
public sealed class HeartbeatFile(string path, string component, TimeProvider time)
{
    /// <summary>Its name in CONFIG_DIR.</summary>
    public const string Name = "bootstrap.json";

    /// <summary>How often it is written while nothing changes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A file older than this is no sign of life: ten times missed, so that a node that swaps, or a disk that stalls, kills nobody.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private string _code = "";
    private string _reason = "";
    private IReadOnlyList<string> _waitingFor = [];
    private DateTimeOffset _since;

    /// <summary>Says why the process waits and writes it at once; <c>since</c> moves only when the code changes.</summary>
    /// <param name="code">See <see cref="HeartbeatDocument.Code"/>.</param>
    /// <param name="reason">See <see cref="HeartbeatDocument.Reason"/>; may change from beat to beat (counts, addresses).</param>
    /// <param name="waitingFor">See <see cref="HeartbeatDocument.WaitingFor"/>.</param>
    /// <returns>Null, or why it could not be written: a heartbeat is never a reason to stop.</returns>
    public string? Beat(string code, string reason, params IReadOnlyList<string> waitingFor)
    {
        lock (_gate)
        {
            if (code != _code || _since == default) _since = time.GetUtcNow();
            (_code, _reason, _waitingFor) = (code, reason, waitingFor);
            return Write();
        }
    }

    /// <summary>Writes it every <see cref="Interval"/> until cancelled; returns then, never throws.</summary>
    /// <param name="onFailure">Called with the reason whenever a write fails.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RefreshAsync(Action<string> onFailure, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                string? failure;
                lock (_gate) failure = _since == default ? null : Write();
                if (failure is not null) onFailure(failure);
            }
        }
        catch (OperationCanceledException)
        {
            // The wait is over.
        }
    }

    private string? Write()
    {
        var document = new HeartbeatDocument
        {
            Component = component,
            Pid = Environment.ProcessId,
            Code = _code,
            Reason = _reason,
            Since = _since,
            WrittenAt = time.GetUtcNow(),
            WaitingFor = _waitingFor,
        };
        try
        {
            AtomicFile.Write(path, document.ToBytes(), AtomicFile.ReadableByAll, durable: false); // worthless after a restart of the node
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
