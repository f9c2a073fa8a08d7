using System.Globalization;

namespace Sidecars.Core.Primitives;

/// <summary>Reads <c>/proc/net/tcp</c> and <c>tcp6</c>. proc_pid_net(5).</summary>
public static class ListeningSockets
{
    private const string Listen = "0A"; // TCP_LISTEN of include/net/tcp_states.h

    /// <summary>
    /// The sockets that listen on a port, at whatever address, as a process' file descriptors name them (<c>socket:[4711]</c>); other lines
    /// are passed over.
    /// </summary>
    public static IEnumerable<string> Read(IEnumerable<string> lines, int port)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var ending = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 9 && words[3] == Listen && words[1].EndsWith(ending, StringComparison.Ordinal))
                yield return $"socket:[{words[9]}]";
        }
    }
}
