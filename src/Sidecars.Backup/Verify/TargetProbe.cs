using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;
using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;

namespace Sidecars.Backup.Verify;

/// <summary>
/// Asks a server's binary what it reads: started on an empty directory, it writes the base of an AOF at once, in its own format.
/// </summary>
internal static class TargetProbe
{
    /// <summary>Starts it, reads what it wrote, and leaves nothing behind.</summary>
    /// <param name="binary">The server.</param>
    /// <param name="parents">Directories to do it below; the first that can be written to.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The server, or why it is not known.</returns>
    public static async Task<(TargetServer? Server, string Problem)> AskAsync(
        string binary, IEnumerable<string> parents, TimeProvider time, CancellationToken cancellation)
    {
        var problem = "";
        foreach (var parent in parents)
        {
            var directory = Path.Combine(parent, "probe-" + Guid.NewGuid().ToString("n")[..12]);
            var isNew = !Directory.Exists(parent);
            try
            {
                Directory.CreateDirectory(directory);
                return await AskAsync(binary, directory, time, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or RedisConnectionException)
            {
                problem = e.Message;
            }
            finally
            {
                Remove(isNew ? parent : directory);
            }
        }

        return (null, problem);
    }

    private static async Task<(TargetServer? Server, string Problem)> AskAsync(
        string binary, string directory, TimeProvider time, CancellationToken cancellation)
    {
        await using var server = await ScratchServer.StartAsync(binary, directory, time, cancellation).ConfigureAwait(false);
        var reply = await server.Client.CallAsync(cancellation, "INFO", "server").ConfigureAwait(false);
        if (!InfoReply.TryParse(reply, out var info)) return (null, $"{binary} does not answer INFO");
        var (product, version) = ServerProduct.Of(info);
        var written = Directory.EnumerateFiles(Path.Combine(directory, DataLayout.Default.AppendDirectory), "*.rdb").FirstOrDefault();
        if (written is null) return (null, $"{binary} ({product} {version}) wrote no snapshot");
        var bytes = await File.ReadAllBytesAsync(written, cancellation).ConfigureAwait(false);
        var header = RdbHeaderReader.Read(bytes, bytes.Length);
        return header.IsKnown ? (new TargetServer($"{product} {version}", RdbFormat.Of(header.Value)), "") : (null, $"{binary}: {header}");
    }

    private static void Remove(string directory)
    {
        try
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty dataset in a scratch directory.
        }
    }
}
