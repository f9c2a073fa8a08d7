using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Sidecars.TestKit.Pods;

/// <summary>The little of RFC 1035 that a name server of Services needs: one question, addresses as the answer. Pure.</summary>
internal static class DnsMessage
{
    public const int NoError = 0;
    public const int ServerFailure = 2;
    public const int NoSuchName = 3;
    private const int HeaderLength = 12;
    private const int LongestLabel = 63;
    private const ushort TypeA = 1;
    private const ushort ClassIn = 1;
    private const ushort PointerToQuestion = 0xC00C;
    private const uint LifeSeconds = 5;

    /// <summary>The name that a query asks for, and whether it asks for addresses of IPv4; null where it is no query.</summary>
    public static (string Name, bool WantsAddresses, int QuestionEnd)? ReadQuestion(ReadOnlySpan<byte> query)
    {
        var name = new StringBuilder();
        var at = HeaderLength;
        while (at < query.Length && query[at] is > 0 and <= LongestLabel)
        {
            var length = query[at];
            if (at + 1 + length >= query.Length) return null;
            if (name.Length > 0) name.Append('.');
            name.Append(Encoding.ASCII.GetString(query.Slice(at + 1, length)));
            at += 1 + length;
        }

        if (at + 5 > query.Length || query[at] != 0) return null;
        return (name.ToString(), BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]) == TypeA, at + 5);
    }

    /// <summary>The answer to a query.</summary>
    /// <param name="query">As it came.</param>
    /// <param name="questionEnd">Of <see cref="ReadQuestion"/>.</param>
    /// <param name="code">NoError, ServerFailure or NoSuchName.</param>
    /// <param name="addresses">Of IPv4.</param>
    public static byte[] Answer(ReadOnlySpan<byte> query, int questionEnd, int code, IReadOnlyCollection<IPAddress> addresses)
    {
        const int RecordLength = 16;
        var answer = new byte[questionEnd + (addresses.Count * RecordLength)];
        query[..questionEnd].CopyTo(answer);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), (ushort)(0x8580 | code)); // a response, authoritative, recursion available
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), (ushort)addresses.Count);
        answer.AsSpan(8, 4).Clear();
        var record = answer.AsSpan(questionEnd);
        foreach (var address in addresses)
        {
            BinaryPrimitives.WriteUInt16BigEndian(record, PointerToQuestion);
            BinaryPrimitives.WriteUInt16BigEndian(record[2..], TypeA);
            BinaryPrimitives.WriteUInt16BigEndian(record[4..], ClassIn);
            BinaryPrimitives.WriteUInt32BigEndian(record[6..], LifeSeconds);
            BinaryPrimitives.WriteUInt16BigEndian(record[10..], 4);
            address.GetAddressBytes().CopyTo(record[12..]);
            record = record[RecordLength..];
        }

        return answer;
    }
}
