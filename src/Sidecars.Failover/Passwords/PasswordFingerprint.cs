using System.Security.Cryptography;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// What may be shown of a password, so that people and scripts see which one a sidecar has. HMAC-SHA-256 keyed by the cluster id, so
/// that equal passwords of two tenants do not look equal, cut to 24 bits: of a billion guesses sixty fit, so that not even a weak
/// password can be told from it, while two that differ look alike once in 16 million. Nothing is decided by it.
/// </summary>
public static class PasswordFingerprint
{
    private const int Bytes = 3;

    /// <summary>Calculates six lower-case hex digits.</summary>
    public static string Of(ClusterId cluster, Secret secret)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(secret);
        return Convert.ToHexStringLower(
            HMACSHA256.HashData(Encoding.UTF8.GetBytes(cluster.Value), Encoding.UTF8.GetBytes(secret.Value)).AsSpan(0, Bytes));
    }
}
