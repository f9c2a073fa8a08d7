using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Zone;

/// <summary>
/// A zone in a file: the embedded default. Writers of one machine, or of one shared volume with working locks, exclude each other
/// by a lock file; readers see the old file or the new one.
/// </summary>
/// <param name="path">The file; its directory must exist. An absent file is an empty zone.</param>
public sealed class ZoneFileStore(string path) : IDnsRecordStore
{
    private const int MaxBytes = 4 << 20; // 30,000 groups

    /// <inheritdoc/>
    public string Description => "zone file " + path;

    /// <inheritdoc/>
    public Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation)
    {
        try
        {
            return Task.FromResult<TargetResult<DnsSnapshot>>(
                new TargetResult<DnsSnapshot>.Done(new DnsSnapshot(Load().SetsAt(name, ownerName))));
        }
        catch (IOException exception)
        {
            return Task.FromResult(Failed<DnsSnapshot>(TargetFailureKind.Unavailable, exception.Message));
        }
    }

    /// <inheritdoc/>
    public Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation)
    {
        try
        {
            // Held by another: IOException, which passes.
            using var gate = FileLock.Take(path + ".lock");
            var zone = Load();
            if (zone.Apply(change) is { } conflict) return Task.FromResult(Failed<string>(TargetFailureKind.Conflict, conflict));
            AtomicFile.Write(path, zone.ToBytes());
            return Task.FromResult<TargetResult<string>>(new TargetResult<string>.Done(""));
        }
        catch (UnauthorizedAccessException exception)
        {
            return Task.FromResult(Failed<string>(TargetFailureKind.Denied, exception.Message));
        }
        catch (IOException exception)
        {
            return Task.FromResult(Failed<string>(TargetFailureKind.Unavailable, exception.Message));
        }
    }

    /// <inheritdoc/>
    public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);

    private static TargetResult<T> Failed<T>(TargetFailureKind kind, string message) =>
        new TargetResult<T>.Failed(new TargetFailure(kind, message));

    private ZoneFileDocument Load() =>
        ZoneFileDocument.Parse(File.Exists(path) ? Encoding.UTF8.GetString(BoundedFile.Read(path, MaxBytes)) : "");
}
