using System.Runtime.InteropServices;

namespace Sidecars.Core.Hosting;

/// <summary>
/// Turns SIGTERM and SIGINT into a cancellation while it lives, instead of the end of the process. The first signal
/// decides the exit code; later ones change nothing (a bound on draining is the caller's).
/// </summary>
public sealed class SignalScope : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;
    private int _exitCode;

    /// <summary>Begins to listen.</summary>
    public SignalScope()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, Hosting.ExitCode.Terminated));
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, Hosting.ExitCode.Interrupted));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>143 after SIGTERM, 130 after SIGINT, null before either.</summary>
    public int? ExitCode => Volatile.Read(ref _exitCode) is var code and not 0 ? code : null;

    /// <summary>Signals act as before again.</summary>
    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true; // do not end the process: it drains
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0) return;
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The signal came while the scope was disposed of: nothing waits for it any more.
        }
    }
}
