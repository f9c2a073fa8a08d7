namespace Sidecars.TestKit.Processes;

/// <summary>
/// A file system of its own, of some megabytes, that can be filled: needs the right to mount. Its source in /proc/mounts names
/// the process, so that <see cref="Sweep"/> finds what one left behind that was killed.
/// </summary>
public sealed class SmallDisk : IDisposable
{
    private static readonly Lazy<string?> Obstacle = new(Try);
    private readonly TempFolder? _folder;

    /// <summary>Mounts it.</summary>
    /// <param name="megabytes">Its size.</param>
    /// <param name="at">An existing empty folder; null: a temporary one.</param>
    /// <exception cref="InvalidOperationException">It can't be mounted.</exception>
    public SmallDisk(int megabytes, string? at = null)
    {
        _folder = at is null ? new TempFolder("disk") : null;
        Path = at ?? _folder!.Path;
        var error = Command.Run("mount", "-t", "tmpfs", "-o", FormattableString.Invariant($"size={megabytes}m"), Owner.Name, Path);
        if (error is null) return;
        _folder?.Dispose();
        throw new InvalidOperationException("mount: " + error);
    }

    /// <summary>Why none can be mounted here; null: one can.</summary>
    public static string? Unavailable => Obstacle.Value;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Takes all room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // ENOSPC: full.
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Empty() => File.Delete(Filler);

    /// <summary>Unmounts what processes that no longer live have mounted.</summary>
    public static void Sweep()
    {
        foreach (var fields in File.ReadAllLines("/proc/mounts").Select(line => line.Split(' ')))
            if (Owner.IsOfTheDead(fields[0])) _ = Command.Run("umount", "--lazy", fields[1]);
    }

    /// <summary>Unmounts it.</summary>
    public void Dispose()
    {
        // Lazy: the server that is about to be killed still has its working directory here.
        _ = Command.Run("umount", "--lazy", Path);
        _folder?.Dispose();
    }

    private static string? Try()
    {
        if (!Environment.IsPrivilegedProcess) return "a disk that is full needs root, to mount one";
        try
        {
            new SmallDisk(megabytes: 1).Dispose();
            return null;
        }
        catch (InvalidOperationException e)
        {
            return "no small disk can be mounted here: " + e.Message;
        }
    }
}
