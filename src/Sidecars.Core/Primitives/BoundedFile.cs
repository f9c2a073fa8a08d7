namespace Sidecars.Core.Primitives;

/// <summary>Reads files that others write, of bounded size.</summary>
public static class BoundedFile
{
    /// <summary>Reads the whole content.</summary>
    /// <exception cref="IOException">It cannot be read, or is larger than <paramref name="maxBytes"/>; the message names it.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
            using var content = new MemoryStream();
            var buffer = new byte[16 * 1024];
            // Length is no promise (pipes, /proc, a file that grows): read until the end or the bound.
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                if (content.Length + read > maxBytes) throw new IOException($"{path} has more than {maxBytes} bytes");
                content.Write(buffer, 0, read);
            }

            return content.ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"{path}: no such file", path, e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
