using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests.DnsRecords;

public sealed class ZoneFileTests : DnsStoreContract
{
    private readonly TempFolder _folder = new("zone");

    private string File => _folder.File("example.org.zone");

    public override Task InitializeAsync() => Task.CompletedTask;

    public override Task DisposeAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    protected override IDnsRecordStore Open() => new ZoneFileStore(File);

    [Fact]
    public async Task Lines_that_are_not_ours_stay_and_the_serial_rises()
    {
        _ = _folder.Write("example.org.zone", "$ORIGIN example.org.\n@ 300 IN SOA ns.example.org. admin.example.org. "
            + "4294967295 7200 3600 1209600 60\nwww IN A 192.0.2.1 ; by hand\nwww.example.org. 60 IN TXT \"a b  c\"\n");
        _ = Assert.IsType<PublishOutcome.Written>(await PublishAsync(7));
        Assert.Equal(
            "$ORIGIN example.org.\n@ 300 IN SOA ns.example.org. admin.example.org. 0 7200 3600 1209600 60\nwww IN A 192.0.2.1 ; "
            + "by hand\nwww.example.org. 60 IN TXT \"a b  c\"\n"
            + $"_redis-master.{Name}. 5 IN TXT \"v=1;cluster=tenant/redis;term=1;epoch=7;rev=0;addr=10.0.0.7\"\n{Name}. 5 IN A 10.0.0.7\n",
            await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_a_failure_and_heals()
    {
        var nowhere = new ZoneFileStore(_folder.File("missing", "zone"));
        var write = await nowhere.ApplyAsync(new DnsChange([], [Set(Name, "A", "10.0.0.1")]), default);
        Assert.Equal(TargetFailureKind.Unavailable, Failed(write));
        _ = _folder.Folder("missing");
        _ = Applied(await nowhere.ApplyAsync(new DnsChange([], [Set(Name, "A", "10.0.0.1")]), default));
    }
}
