using System.Buffers.Binary;
using System.Text;

namespace Sidecars.Fuzz;

/// <summary>Makes inputs from a corpus; the same seed and number make the same input.</summary>
public static class Mutator
{
    /// <summary>Inputs longer than this are cut: the readers' windows are bounded anyway, and short inputs find more.</summary>
    private const int MaxLength = 8192;

    private static readonly long[] Boundaries =
        [0, 1, -1, 63, 64, 127, 128, 255, 256, 16383, 16384, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    /// <summary>Input number <paramref name="iteration"/> of <paramref name="seed"/>.</summary>
    public static byte[] Input(IFuzzTarget target, int seed, long iteration)
    {
        var random = new Random(unchecked((seed * 486187739) ^ (int)iteration ^ (int)(iteration >> 32)));
        if (random.Next(50) == 0)
        {
            var noise = new byte[random.Next(300)];
            random.NextBytes(noise);
            return noise;
        }

        var bytes = new List<byte>(target.Corpus[random.Next(target.Corpus.Count)]);
        for (var edits = 1 + random.Next(6); edits > 0; edits--) Edit(bytes, target, random);
        return bytes.Count > MaxLength ? [.. bytes[..MaxLength]] : [.. bytes];
    }

    private static void Edit(List<byte> bytes, IFuzzTarget target, Random random)
    {
        var at = random.Next(bytes.Count + 1);
        var rest = bytes.Count - at;
        switch (random.Next(9))
        {
            case 0 when rest > 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
            case 1 when rest > 0: bytes[at] = (byte)random.Next(256); break;
            case 2 when rest > 0: bytes.RemoveRange(at, 1 + random.Next(rest)); break;
            case 3 when rest > 0:
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, 1 + random.Next(Math.Min(rest, 200))));
                break;
            case 4: bytes.InsertRange(at, target.Words.Count > 0 ? target.Words[random.Next(target.Words.Count)] : [0]); break;
            case 5:
                bytes.InsertRange(at, Encoding.ASCII.GetBytes(
                    Boundaries[random.Next(Boundaries.Length)].ToString(System.Globalization.CultureInfo.InvariantCulture)));
                break;
            case 6:
                var number = new byte[8];
                BinaryPrimitives.WriteInt64BigEndian(number, Boundaries[random.Next(Boundaries.Length)]);
                bytes.InsertRange(at, number[random.Next(8)..]);
                break;
            case 7: // the end of another input: a torn or mixed file
                var other = target.Corpus[random.Next(target.Corpus.Count)];
                bytes.RemoveRange(at, rest);
                bytes.AddRange(other[random.Next(other.Length + 1)..]);
                break;
            default: // a number in the text becomes another
                var digit = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
                if (digit >= 0) bytes[digit] = (byte)('0' + random.Next(10));
                break;
        }
    }
}
