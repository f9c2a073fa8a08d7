namespace Sidecars.TestKit.Load;

/// <summary>Which client a <see cref="WriteLoad"/> writes with.</summary>
public enum LoadClient
{
    /// <summary>
    /// The kit's: a connection for each writer, which looks for the master again after any error and waits nowhere. Its gaps are those of
    /// the group and of no client, so figures are measured with it.
    /// </summary>
    Direct,

    /// <summary>StackExchange.Redis, configured as an application does it: the product is proved with a client that is not ours.</summary>
    StackExchangeRedis,
}
