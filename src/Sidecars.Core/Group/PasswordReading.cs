using System.Collections.Immutable;
using Sidecars.Core.Configuration;

namespace Sidecars.Core.Group;

/// <summary>The group's passwords as variables and files had them at one moment.</summary>
/// <param name="Redis">On Redis.</param>
/// <param name="Sentinel">On Sentinel: another default user, the same service users.</param>
/// <param name="Mistakes">What could not be read, in words without secrets; where there is any, the rest is not to be used.</param>
public sealed record PasswordReading(GroupSecrets Redis, GroupSecrets Sentinel, ImmutableArray<string> Mistakes);
