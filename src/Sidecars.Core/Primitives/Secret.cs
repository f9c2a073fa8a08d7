using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Sidecars.Core.Primitives;

/// <summary>
/// A password that every place of Redis and Sentinel can carry; its text is never printed. Refused are NUL (Sentinel hands
/// passwords on as C strings), line feed and carriage return (Sentinel writes <c>auth-pass</c> unquoted when it rewrites its
/// file, so that the rest of the password would become a directive; tested with 7.0.15).
/// </summary>
public sealed class Secret : IEquatable<Secret>
{
    /// <summary>Longest accepted password in bytes. Redis takes more; nobody sets one so long on purpose.</summary>
    public const int MaxBytes = 4096;

    private Secret(string value) => Value = value;

    /// <summary>The password itself, for the wire and for configuration files of mode 0600 only.</summary>
    public string Value { get; }

    /// <summary>
    /// Lower-case hex SHA-256 of the UTF-8 bytes: what ACL rules take after <c>#</c>, and what may be compared in public.
    /// </summary>
    public string Sha256Hex => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Value)));

    /// <summary>Reads the bytes of a secret file or variable; one line feed at the end (or CR LF) is not part of it.</summary>
    /// <param name="bytes">UTF-8.</param>
    /// <param name="secret">The result.</param>
    /// <param name="problem">What is wrong, without the text; "" if nothing.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Secret? secret, out string problem)
    {
        secret = null;
        if (bytes.EndsWith("\r\n"u8)) bytes = bytes[..^2];
        else if (bytes.EndsWith("\n"u8)) bytes = bytes[..^1];
        problem = bytes.Length switch
        {
            0 => "is empty",
            > MaxBytes => $"has more than {MaxBytes} bytes",
            _ when bytes.Contains((byte)0) => "holds a NUL byte, which Sentinel cannot pass on",
            _ when bytes.ContainsAny((byte)'\n', (byte)'\r') =>
                "holds a line break inside, which Sentinel would write as a directive of its own",
            _ when !System.Text.Unicode.Utf8.IsValid(bytes) => "is not UTF-8",
            _ => "",
        };
        if (problem.Length > 0) return false;
        secret = new Secret(Encoding.UTF8.GetString(bytes));
        return true;
    }

    /// <summary>Like <see cref="TryParse"/> for text that is known to be good.</summary>
    /// <exception cref="ArgumentException">It is not; the message does not hold it.</exception>
    public static Secret Of(string value) =>
        TryParse(Encoding.UTF8.GetBytes(value), out var secret, out var problem)
            ? secret
            : throw new ArgumentException("The secret " + problem + ".", nameof(value));

    /// <inheritdoc/>
    public bool Equals(Secret? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Value), Encoding.UTF8.GetBytes(other.Value));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    /// <summary>Never the password.</summary>
    public override string ToString() => "(secret)";
}
