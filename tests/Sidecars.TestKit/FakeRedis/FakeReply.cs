using System.Text;

namespace Sidecars.TestKit.FakeRedis;

/// <summary>Wire bytes of replies, for handlers of a <see cref="FakeRedisServer"/>.</summary>
public static class FakeReply
{
    public static byte[] Ok { get; } = Raw("+OK\r\n");

    public static byte[] Pong { get; } = Raw("+PONG\r\n");

    /// <summary>RESP2's null array, as Sentinel answers for an unknown master.</summary>
    public static byte[] NullArray { get; } = Raw("*-1\r\n");

    public static byte[] NullBulk { get; } = Raw("$-1\r\n");

    /// <summary>Latin-1, so that \u00ff is the byte 0xff.</summary>
    public static byte[] Raw(string wire) => Encoding.Latin1.GetBytes(wire);

    public static byte[] Simple(string text) => Encoding.UTF8.GetBytes($"+{text}\r\n");

    /// <summary>With the code first: <c>NOAUTH Authentication required.</c></summary>
    public static byte[] Error(string text) => Encoding.UTF8.GetBytes($"-{text}\r\n");

    public static byte[] Integer(long number) => Encoding.UTF8.GetBytes($":{number}\r\n");

    public static byte[] Bulk(string text) => Bulk(Encoding.UTF8.GetBytes(text));

    public static byte[] Bulk(byte[] bytes) => [.. Encoding.UTF8.GetBytes($"${bytes.Length}\r\n"), .. bytes, .. "\r\n"u8];

    /// <summary>An array of replies, each already on the wire's form.</summary>
    public static byte[] Array(params byte[][] items) =>
        [.. Encoding.UTF8.GetBytes($"*{items.Length}\r\n"), .. items.SelectMany(item => item)];

    /// <summary>An array of bulk strings: addresses, flat maps of SENTINEL MASTER, Pub/Sub messages.</summary>
    public static byte[] Array(params string[] items) => Array([.. items.Select(Bulk)]);

    /// <summary>A RESP2 Pub/Sub message.</summary>
    public static byte[] Message(string channel, string payload) => Array("message", channel, payload);
}
