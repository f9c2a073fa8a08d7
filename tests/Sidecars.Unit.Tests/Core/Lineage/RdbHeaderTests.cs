using System.Text;
using Sidecars.Core.Lineage;

namespace Sidecars.Unit.Tests.Core.Lineage;

public class RdbHeaderTests
{
    private const string Id = "c12db5b2f9d7a7a5cf9191d588d9c45e4f8bbf67";

    /// <summary>dump.rdb of a 7.0.15 replica with two keys, byte for byte.</summary>
    private static readonly byte[] Dump = Convert.FromHexString(
        "524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa056374696d65c23af8006bfa08757365642d6d656dc250221000"
        + "fa0e7265706c2d73747265616d2d6462c000fa077265706c2d696428633132646235623266396437613761356366393139316435383864396334356534663862626636"
        + "37fa0b7265706c2d6f6666736574c04dfa08616f662d62617365c000fe00fb0200000162c0020001" + "61c001ff518a09d99636a740");

    internal static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static DiskFact<RdbHeader> Read(string text) => RdbHeaderReader.Read(Latin1(text), text.Length);

    [Fact]
    public void A_dump_of_a_replica_tells_its_position()
    {
        var header = RdbHeaderReader.Read(Dump, Dump.Length).Value!;
        Assert.True(ReplicationId.TryParse(Id, out var id));
        Assert.Equal(
            new RdbHeader("REDIS", 10)
            {
                ServerVersion = "7.0.15",
                CreatedSeconds = 1795225658,
                UsedMemory = 1057360,
                ReplicationDatabase = 0,
                Position = new ReplicationPosition(id, 77),
                IsAofBase = false,
                HasNoKeys = false,
            },
            header);
        Assert.True(RdbTail.LooksWhole(Dump, 10));
        Assert.False(RdbTail.LooksWhole(Dump.AsSpan(0, Dump.Length - 1), 10));
    }

    [Fact]
    public void Cut_within_the_auxiliary_fields_it_is_torn()
    {
        var end = Dump.AsSpan().IndexOf((byte)0xfe);
        for (var length = 0; length <= end; length++)
            Assert.Equal(FileFaultKind.Torn, RdbHeaderReader.Read(Dump.AsSpan(0, length), length).Fault.Kind);
        Assert.True(RdbHeaderReader.Read(Dump.AsSpan(0, end + 1), end + 1).IsKnown);
    }

    [Fact]
    public void Valkey_and_files_without_auxiliary_fields_are_read()
    {
        var valkey = Read("VALKEY080\u00fa\u000avalkey-ver\u00059.0.0\u00ff12345678").Value!;
        Assert.Equal(("VALKEY", 80, "9.0.0", true), (valkey.Product, valkey.Version, valkey.ServerVersion, valkey.HasNoKeys));
        Assert.Equal((3, false), (Read("REDIS0003\u00fe\0").Value!.Version, Read("REDIS0003\u00fe\0").Value!.HasNoKeys));
    }

    [Theory]
    [InlineData("\u00c0\u0085", -123L)] // 8 bits
    [InlineData("\u00c1\u0001\u0002", 513L)] // 16 bits, little endian
    [InlineData("\u00c2\u0001\u0000\u0000\u0080", -2147483647L)] // 32 bits
    [InlineData("\u0003123", 123L)]
    [InlineData("\u0040\u0003123", 123L)] // length of 14 bits
    [InlineData("\u0080\0\0\0\u0003123", 123L)] // length of 32 bits, big endian
    [InlineData("\u0081\0\0\0\0\0\0\0\u0003123", 123L)] // length of 64 bits
    [InlineData("\u0003abc", null)]
    [InlineData("\u000412\0\0", null)]
    public void Every_encoding_of_a_value_is_read(string encoded, long? expected) =>
        Assert.Equal(expected, Read($"REDIS0010\u00fa\u0008used-mem{encoded}\u00ff12345678").Value!.UsedMemory);

    [Theory]
    [InlineData("\u00c3\u0005\u0009abcde")] // LZF
    [InlineData("\u00c7")]
    [InlineData("\u0082")]
    public void Compressed_and_unknown_encodings_are_typed(string encoded) =>
        Assert.Equal(FileFaultKind.Unsupported, Read($"REDIS0010\u00fa\u0008used-mem{encoded}\u00ff12345678").Fault.Kind);

    [Theory]
    [InlineData("\u0080\u007f\u00ff\u00ff\u00ff")]
    [InlineData("\u0081\u007f\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")]
    [InlineData("\u0081\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")]
    public void A_length_that_is_not_there_is_not_allocated(string length)
    {
        var bytes = Latin1($"REDIS0010\u00fa{length}abc");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(FileFaultKind.Torn, RdbHeaderReader.Read(bytes, bytes.Length).Fault.Kind);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void A_header_longer_than_the_bound_is_too_large_not_torn()
    {
        var bytes = Latin1("REDIS0010" + string.Concat(Enumerable.Repeat("\u00fa\u0003abc\u0003def", 1000)) + "\u00ff12345678");
        Assert.Equal(FileFaultKind.TooLarge, RdbHeaderReader.Read(bytes, bytes.Length).Fault.Kind);
    }

    [Theory]
    [InlineData("REDIS00a0\u00ff")]
    [InlineData("REDIS001\0\u00ff")]
    [InlineData("REDIS0000\u00ff")]
    [InlineData("*3\r\n$3\r\nSET\r\n")]
    [InlineData("{\"format\":1}")]
    public void What_has_no_magic_is_another_format(string text) => Assert.Equal(FileFaultKind.WrongFormat, Read(text).Fault.Kind);

    [Fact]
    public void A_replication_id_that_is_none_gives_no_position()
    {
        Assert.Null(Read("REDIS0010\u00fa\u0007repl-id\u0003abc\u00fa\u000brepl-offset\u00c0\u0001\u00ff12345678").Value!.Position);
        Assert.Null(Read($"REDIS0010\u00fa\u0007repl-id\u0028{Id}\u00fa\u000brepl-offset\u00c0\u0085\u00ff12345678").Value!.Position);
    }
}
