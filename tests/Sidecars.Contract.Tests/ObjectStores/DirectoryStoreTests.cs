using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests;

/// <summary>The contract against a directory.</summary>
public sealed class DirectoryStoreTests : ObjectStoreContract
{
    private readonly TempFolder _folder = new("store");

    public override Task DisposeAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>
    /// As a prune or a restore reads it: a part of a list that passes for the whole would delete what the rest still needs.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_directory_that_goes_away_under_a_list_or_a_read_is_no_short_list_and_no_missing_object(bool isReplaced)
    {
        var root = _folder.Folder("root");
        var store = await OpenAsync();
        foreach (var key in (string[])["a/1", "b/1", "c/1"])
            await store.PutAsync(key, ObjectContent.Of("x"u8.ToArray()), PutCondition.None, default);
        await using var list = store.ListAsync("", null, default).GetAsyncEnumerator();
        Assert.True(await list.MoveNextAsync());
        Directory.Move(root, root + "-away");
        if (isReplaced) Directory.CreateDirectory(root);
        var ended = await Assert.ThrowsAsync<StoreException>(async () =>
        {
            while (await list.MoveNextAsync()) Assert.NotNull(list.Current);
        });
        Assert.Equal(StoreFailure.Unavailable, ended.Failure);
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync("a/1", default))).Failure);
        var folders = await Assert.ThrowsAsync<StoreException>(() => store.ListFoldersAsync("", default));
        Assert.Equal(StoreFailure.Unavailable, folders.Failure);
    }

    [Fact]
    public async Task A_folder_that_another_process_removes_under_a_list_is_an_empty_one()
    {
        var root = _folder.Folder("root");
        var store = await OpenAsync();
        foreach (var key in (string[])["a/1", "b/1", "c/1"])
            await store.PutAsync(key, ObjectContent.Of("x"u8.ToArray()), PutCondition.None, default);
        var keys = new List<string>();
        await foreach (var entry in store.ListAsync("", null, default))
        {
            keys.Add(entry.Key);
            if (keys.Count == 1) Directory.Delete(Path.Combine(root, "b"), recursive: true);
        }

        Assert.Equal(["a/1", "c/1"], keys);
    }

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new DirectoryStore(_folder.Folder("root")));
}
