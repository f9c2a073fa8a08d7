using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Backup;

public class BackupFormatsTests
{
    private static readonly ChainDigest Digest = Samples.Chain((1, 0, 9))[0].Digest;

    [Fact]
    public void A_segment_name_reads_back_and_sorts_by_place()
    {
        var name = Samples.Chain((3, 0, 10), (3, 10, 1_000_000_000))[1];
        var parts = name.ToString().Split('/');
        Assert.True(SegmentName.TryParse(parts[0], parts[1], out var read));
        Assert.Equal(name, read);
        Assert.True(ObjectKey.IsValid("a/" + name));
        Assert.True(string.CompareOrdinal(Samples.Chain((3, 0, 10))[0].ToString(), name.ToString()) < 0);
    }

    [Theory]
    [InlineData("0000000003", "x.aof")]
    [InlineData("3", null)]
    [InlineData("000000000\u0663", null)]
    public void What_is_no_segment_name_is_refused(string folder, string? file)
    {
        file ??= Samples.Chain((3, 0, 10))[0].ToString().Split('/')[1];
        Assert.False(SegmentName.TryParse(folder, file, out _));
    }

    [Fact]
    public void A_changed_character_of_a_name_is_another_name_or_none() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNegativeInt>(), ArbMap.Default.ArbFor<char>(),
        (at, c) =>
        {
            var name = Samples.Chain((3, 0, 10))[0];
            var file = name.ToString().Split('/')[1].ToCharArray();
            var changed = file[at.Get % file.Length] != c;
            file[at.Get % file.Length] = c;
            if (SegmentName.TryParse("0000000003", new string(file), out var read)) Assert.Equal(changed, read != name);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Documents_read_back()
    {
        var manifest =
            Samples.Backup(2, 100, (1, 0), (2, 50)).Manifest with { Databases = [new DatabaseCount(0, 1, 2), new DatabaseCount(15, 0, 9)] };
        var read = BackupManifestDocument.Read(BackupManifestDocument.Write(manifest)).Value!;
        Assert.Equal(manifest.Databases.AsEnumerable(), read.Databases);
        Assert.Equal(manifest, read with { Databases = manifest.Databases });
        var empty = manifest with { Base = null, ServerVersion = "", Databases = [] };
        Assert.Equal(empty with { Databases = default },
            BackupManifestDocument.Read(BackupManifestDocument.Write(empty)).Value! with { Databases = default });
        var snapshot = empty with { IsSnapshot = true };
        Assert.True(BackupManifestDocument.Read(BackupManifestDocument.Write(snapshot)).Value!.IsSnapshot);
        var told = snapshot with
        {
            ServerProduct = "Valkey",
            ServerVersion = "9.1.2",
            Format = new RdbFormat("VALKEY", 80),
            Before = new ChainMark(1, new StreamPosition(4, 5), Digest)
        };
        Assert.Equal(told with { Databases = default },
            BackupManifestDocument.Read(BackupManifestDocument.Write(told)).Value! with { Databases = default });
        var lease = new UploaderLease("redis-0", 3, 2, 9, Samples.Time(77))
        { Writer = "redis-1", BaseWanted = Samples.Time(78), Tip = new ChainMark(2, new StreamPosition(6, 7), Digest) };
        Assert.Equal(lease, UploaderLeaseDocument.Read(UploaderLeaseDocument.Write(lease)).Value);
        var released = lease with { Holder = "", Writer = "", BaseWanted = null, Tip = null };
        Assert.Equal(released, UploaderLeaseDocument.Read(UploaderLeaseDocument.Write(released)).Value);
        var verification = new Verification(Samples.Time(5), 10, 20, 30, "ab");
        Assert.Equal(verification, VerificationDocument.Read(VerificationDocument.Write(verification)).Value);
    }

    [Fact]
    public void A_manifest_of_before_is_read_and_a_field_of_later_ignored()
    {
        var manifest = BackupManifestDocument.Read(Encoding.UTF8.GetBytes($$"""
            {"format":1,"cluster":"t/r","id":"20261121T055743Z-1","generation":1,"node":"n","completed_ms":1,"covered_ms":1,"server_version":"7.0.15","colour":"red",
            "base":{"name":"appendonly.aof.1.base.rdb","length":89,"sha256":"{{new string('a', 64)}}"},"base_sequence":1,"base_time":1,
            "start":{"sequence":1,"offset":0,"digest":"{{new string('0', 64)}}"},"end":{"sequence":1,"offset":9,"digest":"{{new string('b', 64)}}"},
            "databases":[]}
            """));
        Assert.Equal(("", "server 7.0.15", null, null),
            (manifest.Value!.ServerProduct, manifest.Value.Server, manifest.Value.Format, manifest.Value.Before));
    }

    [Fact]
    public void A_torn_document_is_unreadable_wherever_it_was_cut()
    {
        var bytes = BackupManifestDocument.Write(Samples.Backup(2, 100, (1, 0), (2, 50)).Manifest);
        for (var length = 0; length < bytes.Length; length++) Assert.False(BackupManifestDocument.Read(bytes.AsSpan(0, length)).IsKnown);
    }

    [Theory]
    [InlineData("\"format\": 1", "\"format\": 2")]
    [InlineData("\"id\": \"2", "\"id\": \"../2")]
    [InlineData(".base.rdb", "/../x.rdb")]
    [InlineData("\"cluster\": \"t/r\"", "\"cluster\": 7")]
    [InlineData("\"offset\": 50", "\"offset\": -50")]
    [InlineData("\"sequence\": 2", "\"sequence\": 0")]
    [InlineData("\"completed_ms\": 1", "\"completed_ms\": 9999999999999999991")]
    [InlineData("\"completed_ms\": 1", "\"completed_ms\": 99999999991")]
    public void A_manifest_with_a_wrong_field_is_unreadable(string right, string wrong)
    {
        var text = Encoding.UTF8.GetString(BackupManifestDocument.Write(Samples.Backup(2, 100, (1, 0), (2, 50)).Manifest));
        Assert.Contains(right, text, StringComparison.Ordinal);
        Assert.False(BackupManifestDocument.Read(Encoding.UTF8.GetBytes(text.Replace(right, wrong, StringComparison.Ordinal))).IsKnown);
    }

    [Fact]
    public void Random_bytes_are_no_document() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        Assert.False(BackupManifestDocument.Read(bytes).IsKnown);
        Assert.False(UploaderLeaseDocument.Read(bytes).IsKnown);
        Assert.False(VerificationDocument.Read(bytes).IsKnown);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_tenants_prefix_holds_no_other_tenant()
    {
        Assert.True(ClusterId.TryParse("a/b", out var one) & ClusterId.TryParse("a/b-c", out var other));
        Assert.False(new BackupLayout(other!).Root.StartsWith(new BackupLayout(one!).Root, StringComparison.Ordinal));
    }
}
