using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>
/// What Sentinels publish to each other every two seconds (<c>sentinelSendHello</c>): who sends, and which master it knows in which epoch.
/// </summary>
/// <param name="Sender">A Sentinel exactly as the receiver lists it.</param>
/// <param name="Epoch">The sender's current epoch.</param>
/// <param name="MasterName">The monitored name.</param>
/// <param name="Master">The master's address.</param>
/// <param name="ConfigEpoch">The epoch of that address.</param>
public sealed record HelloMessage(SentinelPeer Sender, long Epoch, string MasterName, RedisEndpoint Master, long ConfigEpoch)
{
    /// <summary>The channel; a Sentinel takes PUBLISH on no other.</summary>
    public const string Channel = "__sentinel__:hello";

    /// <summary>The eight fields on the wire (<c>sentinelProcessHelloMessage</c>).</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture,
        $"{Sender.Address.Host},{Sender.Address.Port},{Sender.MyId},{Epoch},{MasterName},{Master.Host},{Master.Port},{ConfigEpoch}");

    /// <summary>
    /// A name would leave the old address at the new epoch (the lookup fails after the epoch was raised), and a comma would shift the
    /// fields.
    /// </summary>
    public static bool CanCarry(RedisEndpoint address, string masterName)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(masterName);
        return address.IsAddress && address.Port > 0 && masterName.Length > 0 && !masterName.Contains(',', StringComparison.Ordinal);
    }
}
