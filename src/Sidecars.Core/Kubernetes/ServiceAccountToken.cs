namespace Sidecars.Core.Kubernetes;

/// <summary>
/// The bearer token of the pod, as its file has it now. Kubelet replaces a bound token at 80 % of its life, so a value kept
/// from the start fails after an hour. Age is measured on the monotonic clock. Safe for concurrent use.
/// </summary>
public sealed class ServiceAccountToken(string path, TimeSpan refresh, TimeProvider time)
{
    /// <summary>Longest token that is read, bytes: a bound token has about 1 KiB, a header line has room for 64.</summary>
    private const int MaxBytes = 16 * 1024;

    private readonly Lock _gate = new();
    private string? _token;
    private long _readAt;

    /// <summary>
    /// The token, read again when it is older than the refresh period. If the file can't be read, the last one is used:
    /// it is probably still valid, and the server decides.
    /// </summary>
    /// <returns>The token; null with a reason that does not quote it, where there has never been one.</returns>
    public string? Current(out string? problem)
    {
        lock (_gate)
        {
            problem = null;
            if (_token is not null && time.GetElapsedTime(_readAt) < refresh) return _token;
            _token = TryRead(out problem) ?? _token;
            _readAt = time.GetTimestamp();
            return _token;
        }
    }

    /// <summary>
    /// After a 401 for <paramref name="refused"/>: reads the file at once. True where another token is there now, so that
    /// a second try can end otherwise than the first.
    /// </summary>
    public bool TryRenew(string refused)
    {
        lock (_gate)
        {
            if (_token is not null && _token != refused) return true; // another call has renewed it meanwhile
            var token = TryRead(out _);
            if (token is null || token == refused) return false;
            _token = token;
            _readAt = time.GetTimestamp();
            return true;
        }
    }

    /// <summary>Never the token.</summary>
    public override string ToString() => $"token of {path}";

    private string? TryRead(out string? problem)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> buffer = stackalloc byte[MaxBytes + 1];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            var text = System.Text.Encoding.ASCII.GetString(buffer[..length]).Trim();
            // Checked here, so that no header parser ever complains about it and quotes it.
            problem = length > MaxBytes ? $"{path} is longer than {MaxBytes} bytes"
                : text.Length == 0 ? $"{path} is empty"
                : text.All(c => c is > ' ' and < '\u007f') ? null
                : $"{path} is not a token: it holds white space or control characters";
            return problem is null ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{path} can't be read: {e.Message}";
            return null;
        }
    }
}
