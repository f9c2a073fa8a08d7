using Sidecars.Core.Hosting;

namespace Sidecars.Backup.Options;

/// <summary>
/// Passwords that change under a running sidecar: their files are read again, and the next look at Redis logs in with them.
/// </summary>
internal static class PasswordFiles
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2); // two small files; a rotation waits for every sidecar

    /// <summary>Watches the files until it is cancelled.</summary>
    public static async Task WatchAsync(BackupOptions options, JsonLineLog log, TimeProvider time, CancellationToken cancellation)
    {
        var told = "";
        while (await IsTimeAsync(time, cancellation).ConfigureAwait(false))
        {
            var (credentials, mistakes) = options.ReadCredentials();
            var problem = string.Join("; ", mistakes);
            if (problem.Length > 0 && problem != told) log.Warning("passwords_unreadable", $"{problem}; those read before stay in use");
            told = problem;
            if (problem.Length > 0 || credentials.SequenceEqual(options.Credentials)) continue;
            options.Credentials.Use(credentials);
            log.Info("passwords_read_again", "the next connection to Redis logs in with what the files hold now");
        }
    }

    private static async Task<bool> IsTimeAsync(TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(Every, time, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
