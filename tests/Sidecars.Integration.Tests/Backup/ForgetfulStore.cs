using Sidecars.Backup.Store;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A store that overwrites in spite of one kind of condition, and says that all went well: what some S3 look-alikes do.</summary>
internal sealed class ForgetfulStore(IObjectStore inner, PutConditionKind ignored) : IObjectStore
{
    public string Description => inner.Description;

    public Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation) =>
        inner.PutAsync(key, content, condition.Kind == ignored ? PutCondition.None : condition, cancellation);

    public Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation) => inner.OpenAsync(key, cancellation);

    public IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, string? startAfter, CancellationToken cancellation) =>
        inner.ListAsync(prefix, startAfter, cancellation);

    public Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation) =>
        inner.ListFoldersAsync(prefix, cancellation);

    public Task DeleteAsync(string key, CancellationToken cancellation) => inner.DeleteAsync(key, cancellation);

    public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
        inner.RemoveUnfinishedAsync(prefix, before, dryRun, cancellation);
}
