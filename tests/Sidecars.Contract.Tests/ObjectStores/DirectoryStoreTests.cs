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

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new DirectoryStore(_folder.Folder("root")));
}
