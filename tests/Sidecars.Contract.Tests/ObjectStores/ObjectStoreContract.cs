using System.Security.Cryptography;
using System.Text;
using Sidecars.Backup.Store;

namespace Sidecars.Contract.Tests;

/// <summary>What backups rely on, held against every object store.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    private IObjectStore _store = null!;

    public async Task InitializeAsync() => _store = await OpenAsync();

    public abstract Task DisposeAsync();

    protected abstract Task<IObjectStore> OpenAsync();

    [ContractFact]
    public async Task What_is_not_there_is_NotFound_and_deleting_it_is_no_error()
    {
        Assert.Equal(StoreFailure.NotFound, (await Assert.ThrowsAsync<StoreException>(() => _store.OpenAsync("a/none", default))).Failure);
        await _store.DeleteAsync("a/none", default);
        Assert.Empty(await KeysAsync("a/"));
        Assert.Empty(await _store.ListFoldersAsync("a/", default));
    }

    [ContractFact]
    public async Task What_was_written_reads_back_in_all_sizes()
    {
        foreach (var length in (int[])[0, 1, 4096, ObjectLimits.MaxDocumentBytes + 1, 9_000_000])
        {
            var bytes = RandomNumberGenerator.GetBytes(length);
            Assert.NotNull(await _store.PutAsync("a/sized", ObjectContent.Of(bytes), PutCondition.None, default));
            using var download = await _store.OpenAsync("a/sized", default);
            using var copy = new MemoryStream();
            await download.Content.CopyToAsync(copy);
            Assert.Equal(length, download.Length);
            Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
        }
    }

    [ContractFact]
    public async Task A_range_of_a_file_is_written_and_the_file_may_be_deleted_meanwhile()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "0123456789");
        using var file = File.OpenHandle(path);
        File.Delete(path);
        await _store.PutAsync("a/range", ObjectContent.Of(file, 3, 4), PutCondition.None, default);
        Assert.Equal("3456", await TextAsync("a/range"));
    }

    [ContractFact]
    public async Task Create_once_does_not_overwrite()
    {
        Assert.NotNull(await _store.PutAsync("a/once", Content("first"), PutCondition.Absent, default));
        Assert.Null(await _store.PutAsync("a/once", Content("second"), PutCondition.Absent, default));
        Assert.Equal("first", await TextAsync("a/once"));
    }

    [ContractFact]
    public async Task Of_many_creators_exactly_one_wins()
    {
        var tags = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => Task.Run(() => _store.PutAsync("a/race", Content($"w{i}"), PutCondition.Absent, default))));
        Assert.Equal($"w{Array.FindIndex(tags, t => t is not null)}", await TextAsync("a/race"));
        Assert.Single(tags, t => t is not null);
    }

    [ContractFact]
    public async Task A_stale_version_is_not_replaced_and_a_deleted_one_does_not_come_back()
    {
        var first = await _store.PutAsync("a/cas", Content("1"), PutCondition.Absent, default);
        var second = await _store.PutAsync("a/cas", Content("2"), PutCondition.Matches(first!), default);
        Assert.NotNull(second);
        Assert.Null(await _store.PutAsync("a/cas", Content("3"), PutCondition.Matches(first!), default));
        using (var read = await _store.OpenAsync("a/cas", default)) Assert.Equal(second, read.ETag);
        await _store.DeleteAsync("a/cas", default);
        Assert.Null(await _store.PutAsync("a/cas", Content("4"), PutCondition.Matches(second!), default));
        Assert.Empty(await KeysAsync("a/"));
    }

    [ContractFact]
    public async Task Of_many_writers_with_one_version_exactly_one_wins()
    {
        var tag = await _store.PutAsync("a/swap", Content("0"), PutCondition.Absent, default);
        var tags = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => Task.Run(() => _store.PutAsync("a/swap", Content($"w{i}"), PutCondition.Matches(tag!), default))));
        Assert.Single(tags, t => t is not null);
        Assert.Equal($"w{Array.FindIndex(tags, t => t is not null)}", await TextAsync("a/swap"));
    }

    [ContractFact]
    public async Task A_listing_is_in_ordinal_order_below_its_prefix_and_goes_on_after_a_key()
    {
        string[] keys = ["a/b-c/1", "a/b.d", "a/b/2", "a/b/3", "a/c", "ab/1"];
        foreach (var key in keys.Reverse()) await _store.PutAsync(key, Content("x"), PutCondition.None, default);
        Assert.Equal(keys[..5], await KeysAsync("a/"));
        Assert.Equal(["a/b/2", "a/b/3"], await KeysAsync("a/b/"));
        Assert.Equal(["a/b/3", "a/c"], await KeysAsync("a/", "a/b/2"));
        Assert.Equal(["a/b/2", "a/b/3", "a/c"], await KeysAsync("a/", "a/b.d"));
        Assert.Equal(["b", "b-c"], await _store.ListFoldersAsync("a/", default));
        await _store.DeleteAsync("a/b-c/1", default);
        Assert.Equal(["b"], await _store.ListFoldersAsync("a/", default));
    }

    [ContractFact]
    public async Task A_content_that_ends_early_leaves_no_object()
    {
        var path = Path.GetTempFileName();
        using var file = File.OpenHandle(path, access: FileAccess.ReadWrite);
        await Assert.ThrowsAsync<StoreException>(
            () => _store.PutAsync("a/short", ObjectContent.Of(file, 0, 10), PutCondition.None, default));
        Assert.Empty(await KeysAsync("a/"));
        File.Delete(path);
    }

    [ContractFact]
    public async Task Keys_that_leave_the_prefix_are_refused()
    {
        foreach (var key in (string[])["../x", "a/../x", "/a", "a//b", "a/", ".hidden", "a/.b", "a b", "ü"])
            await Assert.ThrowsAsync<ArgumentException>(() => _store.PutAsync(key, Content("x"), PutCondition.None, default));
    }

    private static ObjectContent Content(string text) => ObjectContent.Of(Encoding.UTF8.GetBytes(text));

    private async Task<string> TextAsync(string key)
    {
        using var download = await _store.OpenAsync(key, default);
        using var reader = new StreamReader(download.Content);
        return await reader.ReadToEndAsync();
    }

    private async Task<List<string>> KeysAsync(string prefix, string? after = null)
    {
        var keys = new List<string>();
        await foreach (var entry in _store.ListAsync(prefix, after, default)) keys.Add(entry.Key);
        return keys;
    }
}
