using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Lineage;

public sealed class GivingUpTests : IDisposable
{
    private const string Written = """{"target":"10.0.0.2:6379","target_run_id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","epoch":8}""";
    private static readonly GivingUp Sample = new(new RedisEndpoint("10.0.0.2", 6379), new string('b', 40), 8);

    private readonly TempFolder _data = new("giving-up");

    public void Dispose() => _data.Dispose();

    [Fact]
    public void What_is_written_reads_back_by_any_address_and_epoch() => Prop.ForAll(
        (from host in Gen.Elements("10.0.0.2", "fd00::1", "redis-0.shop.svc")
         from port in Gen.Choose(1, 65535)
         from id in Gen.Choose(1, 64)
         from epoch in Gen.Elements(0L, 8L, 1L << 62, long.MaxValue)
         select new GivingUp(new RedisEndpoint(host, port), new string('b', id), epoch)).ToArbitrary(),
        note => note.TryWrite(_data.Path) is null && GivingUp.Read(_data.Path).Value == note).QuickCheckThrowOnFailure();

    [Fact]
    public void It_is_absent_until_it_is_written_and_after_it_was_removed_and_removing_nothing_is_fine()
    {
        Assert.Equal(FactState.Absent, GivingUp.Read(_data.Path).State);
        Assert.Null(GivingUp.TryRemove(_data.Path));
        Assert.Null(Sample.TryWrite(_data.Path));
        Assert.Null((Sample with { Epoch = 9 }).TryWrite(_data.Path));
        Assert.Equal(9, GivingUp.Read(_data.Path).Value!.Epoch);
        Assert.Null(GivingUp.TryRemove(_data.Path));
        Assert.Equal(FactState.Absent, GivingUp.Read(_data.Path).State);
        Assert.Null(GivingUp.TryRemove(_data.Path));
        // A directory without the note, and a volume that is not mounted.
        Assert.Equal(FactState.Absent, GivingUp.Read(_data.File("nowhere")).State);
        Assert.Null(GivingUp.TryRemove(_data.File("nowhere")));
    }

    [Fact]
    public void Nothing_but_the_note_itself_is_left_in_the_directory()
    {
        Assert.Null(Sample.TryWrite(_data.Path));
        Assert.Equal(GivingUp.PathIn(_data.Path), Assert.Single(Directory.GetFiles(_data.Path, "*", SearchOption.AllDirectories)));
    }

    [Fact]
    public void Wherever_it_is_torn_it_is_unreadable_and_never_another_one()
    {
        for (var length = 0; length < Written.Length; length++) Assert.Equal(FileFaultKind.Torn, Fault(Written[..length]).Kind);
        Assert.Equal(FileFaultKind.Torn, Fault(new string('\0', 200)).Kind);
        Assert.Equal(Sample, Read(Written).Value);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"10.0.0.2:6379\"")]
    [InlineData("{}")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b"}""")]
    [InlineData("""{"target":"10.0.0.2:6379","epoch":8}""")]
    [InlineData("""{"target_run_id":"b","epoch":8}""")]
    [InlineData("""{"target":"10.0.0.2","target_run_id":"b","epoch":8}""")]
    [InlineData("""{"target":"10.0.0.2:0","target_run_id":"b","epoch":8}""")]
    [InlineData("""{"target":"10.0.0.2:6379\u0000","target_run_id":"b","epoch":8}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"","epoch":8}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":-1}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":"8"}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":8.5}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":9223372036854775808}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":8,"epoch":9}""")]
    [InlineData("""{"target":"10.0.0.2:6379","target_run_id":"b","epoch":8} {}""")]
    public void Whatever_else_it_holds_is_unreadable(string text) => Assert.NotEmpty(Fault(text).Detail);

    [Fact]
    public void Too_long_a_file_or_a_directory_in_its_place_is_unreadable()
    {
        Assert.Equal(FileFaultKind.TooLarge, Fault(Written.Replace("}", new string(' ', 1024) + "}", StringComparison.Ordinal)).Kind);
        Assert.Equal(FileFaultKind.WrongType, Fault(Written.Replace("bb\"", new string('b', 64) + "\"", StringComparison.Ordinal)).Kind);
        File.Delete(GivingUp.PathIn(_data.Path));
        Directory.CreateDirectory(GivingUp.PathIn(_data.Path));
        Assert.Equal(FileFaultKind.Io, GivingUp.Read(_data.Path).Fault.Kind);
    }

    [Fact]
    public void Where_it_cannot_be_written_or_removed_the_reason_is_said_and_the_earlier_note_stays()
    {
        // A file in place of the directory: root is refused, too.
        File.WriteAllText(_data.File(MarkerStore.DirectoryName), "");
        Assert.NotNull(Sample.TryWrite(_data.Path));
        File.Delete(_data.File(MarkerStore.DirectoryName));
        Assert.Null(Sample.TryWrite(_data.Path));
        File.Delete(GivingUp.PathIn(_data.Path));
        Directory.CreateDirectory(Path.Combine(GivingUp.PathIn(_data.Path), "full"));
        Assert.NotNull(Sample.TryWrite(_data.Path));
        Assert.NotNull(GivingUp.TryRemove(_data.Path));
        Assert.Equal(FactState.Unreadable, GivingUp.Read(_data.Path).State);
    }

    private FileFault Fault(string text)
    {
        var read = Read(text);
        Assert.Equal(FactState.Unreadable, read.State);
        return read.Fault;
    }

    private DiskFact<GivingUp> Read(string text)
    {
        _data.Folder(MarkerStore.DirectoryName);
        File.WriteAllBytes(GivingUp.PathIn(_data.Path), Encoding.UTF8.GetBytes(text));
        return GivingUp.Read(_data.Path);
    }
}
