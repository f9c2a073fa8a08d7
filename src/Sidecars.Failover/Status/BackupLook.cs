using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Status;

/// <summary>Reads what a store holds of a group's backups. Only a file that also is <c>redis-backup</c> has the code for it.</summary>
/// <param name="store"><c>BACKUP_STORE</c>.</param>
/// <param name="cluster">The group.</param>
/// <param name="patience">What does not answer within it is shown as unread.</param>
/// <param name="time">Clock of ages and of the patience.</param>
/// <param name="cancellation">Ends the look.</param>
internal delegate Task<BackupReading> BackupLook(
    string store, ClusterId cluster, TimeSpan patience, TimeProvider time, CancellationToken cancellation);
