namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>
/// Tests that run whole groups: one at a time, since six servers and their elections are enough for two cores, and Sentinel
/// takes a starved machine for a dead master.
/// </summary>
[CollectionDefinition(Name)]
public sealed class GroupTests
{
    public const string Name = "whole groups";
}
