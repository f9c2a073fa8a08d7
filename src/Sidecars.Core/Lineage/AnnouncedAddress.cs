using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>The address that a node announced at its last start, and the setting that it came from.</summary>
/// <param name="Setting"><c>ANNOUNCE_HOST</c> as it was then, completed to a Service's where it was the bare pod name.</param>
/// <param name="Address">What that resolved to.</param>
public sealed record AnnouncedAddress(string Setting, RedisEndpoint Address);
