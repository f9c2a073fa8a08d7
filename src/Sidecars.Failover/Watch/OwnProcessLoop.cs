namespace Sidecars.Failover.Watch;

/// <summary>
/// Tells <see cref="IOwnServerNotes"/> of an end that no connection shows yet, where the server's process can be seen
/// (<see cref="OwnProcess"/>).
/// </summary>
/// <param name="server">The server.</param>
/// <param name="find">
/// The process of that number, where it is the server: <see cref="OwnProcess.Find"/>. Null: it is not seen from here.
/// </param>
/// <param name="found">Told of each new process of the server, and whether it is seen.</param>
/// <param name="time">Its clock.</param>
public sealed class OwnProcessLoop(IOwnServerNotes server, Func<int, IOwnProcess?> find, Action<int?, bool> found, TimeProvider time)
{
    // Below, the kernel has freed it within some 0.05 s: its connections end as soon as this would see it.
    private const long Large = 128L << 20;
    private static readonly TimeSpan WhileLarge = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan WhileSmall = TimeSpan.FromSeconds(1);

    private volatile bool _isSeen;

    /// <summary>The server's process is seen from here.</summary>
    public bool IsSeen => _isSeen;

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var runId = "";
        IOwnProcess? process = null;
        try
        {
            while (true)
            {
                var changed = server.Changed.Ticket();
                if (server.Last is OwnServer.Answers answers && answers.RunId != runId)
                {
                    process?.Dispose();
                    (runId, process) = (answers.RunId, answers.ProcessId is { } id ? find(id) : null);
                    _isSeen = process is not null;
                    found(answers.ProcessId, _isSeen);
                }

                // Again and again: a look that was under way may yet bring an answer of before.
                if (process?.IsEnding == true) server.NoteEnding(runId);
                await changed.WaitAsync(process is not null && server.LastAnswer?.ResidentBytes >= Large ? WhileLarge : WhileSmall, time,
                    cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            process?.Dispose();
        }
    }
}
