namespace Sidecars.Core.Hosting;

/// <summary>Exit codes of every executable; other programs read them, so they never change meaning.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Failed at run time; the last log line says why.</summary>
    public const int Failed = 1;

    /// <summary>Wrong setting or argument; every mistake is listed on stderr, each naming its variable.</summary>
    public const int WrongConfiguration = 2;

    /// <summary>The server to start was found but could not be executed (the shell's convention).</summary>
    public const int NotExecutable = 126;

    /// <summary>The server to start was not found (the shell's convention).</summary>
    public const int NotFound = 127;

    /// <summary>Ended by SIGTERM before the server was started: 128 + 15.</summary>
    public const int Terminated = 143;

    /// <summary>Ended by SIGINT before the server was started: 128 + 2.</summary>
    public const int Interrupted = 130;
}
