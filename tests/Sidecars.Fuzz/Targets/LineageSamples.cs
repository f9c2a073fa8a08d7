using System.Text;

namespace Sidecars.Fuzz.Targets;

/// <summary>Small files as real servers write them (7.0.15, taken with xxd), and documents of our own.</summary>
internal static class LineageSamples
{
    public const string Id = "c12db5b2f9d7a7a5cf9191d588d9c45e4f8bbf67";

    /// <summary>dump.rdb of a replica, two keys.</summary>
    public static readonly byte[] Dump = Convert.FromHexString(
        "524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa056374696d65c23af8006bfa08757365642d6d656dc250221000"
        + "fa0e7265706c2d73747265616d2d6462c000fa077265706c2d696428633132646235623266396437613761356366393139316435383864396334356534663862626636"
        + "37fa0b7265706c2d6f6666736574c04dfa08616f662d62617365c000fe00fb02000001"
        + "62c0020001" + "61c001ff518a09d99636a740");

    /// <summary>Base of an AOF of no keys.</summary>
    public static readonly byte[] EmptyBase = Convert.FromHexString(
        "524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa056374696d65c238f8006bfa08757365642d6d656dc2d0600d00"
        + "fa08616f662d62617365c001ff423" + "5fa54a1dceeda");

    public static readonly byte[] Valkey = Text("VALKEY080\u00fa\u000avalkey-ver\u00059.0.0\u00ff12345678");

    public static readonly byte[] Manifest = Text(
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq "
        + "2 type i\n");

    public static readonly byte[] Manifest8 = Text(
        "# comment\nfile \"a b\\x41.base.rdb\" seq 1 type b\nfile 'appendonly.aof.1.incr.aof' seq 1 type i startoffset 7 endoffset 900\n");

    public static readonly byte[] Increment = Text(
        "#TS:1795225658\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n#TS:1795225660\r\n*3\r\n$3\r\n"
        + "set\r\n$1\r\nb\r\n$20\r\n\r\n#TS:9999999999\r\n*1\r\n\r\n");

    public static readonly byte[] Marker = Text($$$"""
        {"format":1,"cluster":"ns/redis","node":{"name":"redis-0","uid":"u-0"},"boot_id":"b","token":"3.7.1","role":"master","highest_epoch":7,
        "master_link_up":false,"full_sync_in_progress":false,"aof_rewrite_in_progress":false,"run_id":"{{{Id}}}","replication_id":"{{{Id}}}","offset":12,
        "aof":{"file":"appendonly.aof.2.incr.aof","length":93},"last_serving":{"node":{"name":"redis-0","uid":"u-0"},"token":"3.7.1"},
        "history":[{"replication_id":"{{{Id}}}","start_offset":0,"term":3,"epoch":7,"generation":4,"master":{"name":"redis-0","uid":"u-0"}}],
        "written_at":"2026-11-21T01:47:00Z","from_the_future":[{"x":"\ud83d\ude00"}]}
        """);

    public static readonly byte[] Rescue = Text($$$"""
        {"format":1,"reason":"follows redis-1","token":"3.8.0","from_name":"redis-0","from_uid":"u-0","intact":true,
        "replication_id":"{{{Id}}}","offset":5,"files":[{"name":"dump.rdb","length":187,"changed_ticks":639000000000000000}]}
        """);

    /// <summary>Latin-1: one character, one byte.</summary>
    public static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);

    public static byte[][] Words(params string[] words) => [.. words.Select(Text)];
}
