using Sidecars.Failover.RoleLabel;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>The label is for eyes alone.</summary>
public sealed class RoleLabelTests
{
    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.All), MemberType = typeof(Renders))]
    public async Task Nothing_selects_by_the_role(string name)
    {
        // Nowhere at all as a key or a value; the admission policy has it within its expressions, which select nothing.
        foreach (var item in (await Renders.GetAsync(name)).Objects)
            Assert.DoesNotContain(Scalars(item.Node), text => text == RoleLabelPolicy.Label);
    }

    private static IEnumerable<string> Scalars(YamlNode node) => node switch
    {
        YamlScalarNode scalar => [scalar.Value ?? ""],
        YamlSequenceNode list => list.Children.SelectMany(Scalars),
        YamlMappingNode map => map.Children.SelectMany(pair => Scalars(pair.Key).Concat(Scalars(pair.Value))),
        _ => [],
    };
}
