using System.Globalization;
using System.Runtime.CompilerServices;
using Sidecars.Backup.Store;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>A store without a network, and the weather that it has.</summary>
internal sealed class MemoryStore : IObjectStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (byte[] Bytes, string ETag)> _objects = new(StringComparer.Ordinal);
    private TaskCompletionSource _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _requests;
    private int _hanging;
    private long _versions;

    public string Description => "memory";

    /// <summary>What a request for a key fails with; null: it does not.</summary>
    public Func<string, Exception?> Weather { get; set; } = _ => null;

    /// <summary>Requests for these keys are not answered until <see cref="Answer"/>.</summary>
    public Func<string, bool> Hangs { get; set; } = _ => false;

    /// <summary>Writes to these keys take place, and their answers are lost.</summary>
    public Func<string, bool> Loses { get; set; } = _ => false;

    public int Requests => Volatile.Read(ref _requests);

    public int Hanging => Volatile.Read(ref _hanging);

    public string[] Keys
    {
        get
        {
            lock (_gate) return [.. _objects.Keys];
        }
    }

    /// <summary>Answers what hangs.</summary>
    public void Answer()
    {
        Hangs = _ => false;
        _answers.SetResult();
        _answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public async Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation)
    {
        await EnterAsync(key, cancellation);
        using var bytes = new MemoryStream();
        using (var source = content.Open()) source.CopyTo(bytes);
        lock (_gate)
        {
            var stands = _objects.TryGetValue(key, out var there);
            var holds = condition.Kind switch
            {
                PutConditionKind.Absent => !stands,
                PutConditionKind.Matches => stands && there.ETag == condition.ETag,
                _ => true
            };
            if (!holds) return null;
            var etag = (++_versions).ToString(CultureInfo.InvariantCulture);
            _objects[key] = (bytes.ToArray(), etag);
            return Loses(key) ? throw new StoreException(StoreFailure.Unavailable, key, "the answer was lost") : etag;
        }
    }

    public async Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation)
    {
        await EnterAsync(key, cancellation);
        lock (_gate)
        {
            return _objects.TryGetValue(key, out var there)
                ? new ObjectDownload(new MemoryStream(there.Bytes, writable: false), there.Bytes.Length, there.ETag)
                : throw new StoreException(StoreFailure.NotFound, key, "there is no such object");
        }
    }

    public async IAsyncEnumerable<ObjectEntry> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await EnterAsync(prefix, cancellation);
        foreach (var key in Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(k, startAfter) > 0))
        {
            long length;
            lock (_gate) length = _objects[key].Bytes.Length;
            yield return new ObjectEntry(key, length);
        }
    }

    public async Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation)
    {
        await EnterAsync(prefix, cancellation);
        return [.. Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..])
            .Where(k => k.Contains('/', StringComparison.Ordinal)).Select(k => k.Split('/')[0]).Distinct()];
    }

    public async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        await EnterAsync(key, cancellation);
        lock (_gate) _objects.Remove(key);
    }

    public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
        Task.FromResult(0);

    private async Task EnterAsync(string key, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _requests);
        if (Weather(key) is { } failure) throw failure;
        if (!Hangs(key)) return;
        Interlocked.Increment(ref _hanging);
        try
        {
            await _answers.Task.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _hanging);
        }
    }
}
