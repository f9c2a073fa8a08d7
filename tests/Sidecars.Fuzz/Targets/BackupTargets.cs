using System.Text;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;

namespace Sidecars.Fuzz.Targets;

/// <summary>Where an AOF may be cut: the same however the bytes come, and never behind what was read.</summary>
internal sealed class AofCommandTarget : IFuzzTarget
{
    public string Name => "aof-command";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        "#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n*1\r\n$4\r\nEXEC\r\n"u8.ToArray(),
        "*1\r\n$0\r\n\r\n"u8.ToArray(),
    ];

    public IReadOnlyList<byte[]> Words { get; } =
        ["*1\r\n"u8.ToArray(), "$4\r\n"u8.ToArray(), "#TS:"u8.ToArray(), "\r\n"u8.ToArray(), "EXEC"u8.ToArray(), "9999999999"u8.ToArray()];

    public long AllocationBound(int length) => 16_384; // two readers with a line each, and a message

    public void Run(byte[] input)
    {
        var (whole, halves) = (new AofCommandReader(), new AofCommandReader());
        var result = whole.Read(input, out var consumed);
        FuzzViolationException.Unless(consumed <= input.Length && whole.Boundary.Offset <= whole.Offset && whole.Offset <= input.Length,
            "a boundary lies within what was read");
        FuzzViolationException.Unless(result == AofScan.Malformed || consumed == input.Length, "all is taken in unless it is no AOF");
        halves.Read(input.AsSpan(0, input.Length / 2), out _);
        halves.Read(input.AsSpan(input.Length / 2), out _);
        FuzzViolationException.Unless(halves.Boundary == whole.Boundary, "a split changes nothing");
    }
}

/// <summary>Manifest of a backup.</summary>
internal sealed class BackupManifestTarget : IFuzzTarget
{
    public string Name => "backup-manifest";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Encoding.UTF8.GetBytes($$"""
            {"format":1,"cluster":"t/r","id":"20261121T055743Z-1","generation":1,"node":"n","completed_ms":1,"covered_ms":1,"server_version":"7.0.15",
            "base":{"name":"appendonly.aof.1.base.rdb","length":89,"sha256":"{{new string('a', 64)}}"},"base_sequence":1,"base_time":1,
            "start":{"sequence":1,"offset":0,"digest":"{{new string('0', 64)}}"},"end":{"sequence":1,"offset":9,"digest":"{{new string('b', 64)}}"},
            "databases":[{"index":0,"fewest":1,"most":2}]}
            """),
    ];

    public IReadOnlyList<byte[]> Words { get; } =
        ["null"u8.ToArray(), "\"end\":"u8.ToArray(), "-1"u8.ToArray(), "99999999999999999999"u8.ToArray(), "\"../\""u8.ToArray()];

    public long AllocationBound(int length) => 65_536 + (length * 64L); // JsonDocument keeps 12 bytes a token and a copy

    public void Run(byte[] input)
    {
        var read = BackupManifestDocument.Read(input);
        if (!read.IsKnown) return;
        FuzzViolationException.Unless(read.Value.Base is not { } file || ObjectKey.IsPart(file.Name), "a base's name stays in its folder");
        FuzzViolationException.Unless(read.Value.End >= read.Value.Start, "the end is not before the start");
        FuzzViolationException.Unless(
            BackupManifestDocument.Read(BackupManifestDocument.Write(read.Value)).IsKnown, "what was read can be written and read again");
    }
}
