using System.Globalization;
using System.Net;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Server;

/// <summary>
/// One server a port and a data directory. Started beside a living server, bootstrap would read a disk that is written to, and have
/// Sentinel replace the master whose address it takes for its own. So it looks before it acts, and what it holds lives on in the
/// server that it becomes.
/// </summary>
internal sealed class InstanceGuard(BootstrapOptions options, JsonLineLog log, TimeProvider time) : IDisposable
{
    /// <summary>
    /// A killed server of gigabytes keeps its socket and its lock for about a second while the kernel takes its memory down.
    /// </summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private DataDirectoryLock? _data;
    private bool _dataUnlockable;

    /// <summary>Stays open over <c>execve</c>: the lock is the server's then.</summary>
    public int? InheritedDescriptor => _data?.Descriptor;

    /// <summary>False, with the reason in the log, where another server has the port or the data.</summary>
    public async Task<bool> ClaimAsync(CancellationToken cancellation)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            if (Occupied() is not { } why) return true;
            if (time.GetElapsedTime(began) >= Grace)
            {
                log.Error("already-running", why);
                return false;
            }

            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
    }

    public void Dispose() => _data?.Dispose();

    private string? Occupied()
    {
        if (ListenersOn(options.Port) is [_, ..] listeners)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"something listens on port {options.Port} of this host already ({string.Join(", ", listeners)}); nothing was done. ")
                + "'redis-bootstrap --help' lists what can be said beside a running server";
        }

        var isNeeded = options.Mode == ServerMode.Redis && _data is null && !_dataUnlockable;
        if (!isNeeded || !Directory.Exists(options.Group.DataDirectory)) return null;
        try
        {
            _data = DataDirectoryLock.TryTake(options.Group.DataDirectory);
            return _data is null ? $"another process has the lock on {options.Group.DataDirectory}; nothing was done" : null;
        }
        catch (IOException e)
        {
            // A full disk, or a file system without locks: no reason to keep a server down.
            _dataUnlockable = true;
            log.Warning("data-not-locked", e.Message);
            return null;
        }
    }

    // The kernel's own list, of this network namespace: loopback and every own interface. Asking a server would need it to answer.
    private static List<IPEndPoint> ListenersOn(int port)
    {
        var found = new List<IPEndPoint>();
        foreach (var table in (string[])["/proc/net/tcp", "/proc/net/tcp6"])
        {
            try
            {
                if (File.Exists(table)) found.AddRange(ListeningSockets.Read(File.ReadLines(table), port).Select(socket => socket.At));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // not readable here: what can't be seen is found at the server's own bind
            }
        }

        return found;
    }
}
