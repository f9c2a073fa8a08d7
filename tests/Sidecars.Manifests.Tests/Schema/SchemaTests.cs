using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Schema;

public sealed class SchemaTests
{
    private static readonly ManifestSchema Schema = ManifestSchema.Load();

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.All), MemberType = typeof(Renders))]
    public async Task Every_field_of_every_object_is_one_of_the_API(string name)
    {
        var rendered = await Renders.GetAsync(name);

        Assert.NotEmpty(rendered.Objects);
        Assert.Empty(rendered.Objects.SelectMany(item => Schema.Check(item.Node)));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.All), MemberType = typeof(Renders))]
    public async Task No_two_objects_have_one_name(string name)
    {
        var rendered = await Renders.GetAsync(name);

        Assert.Empty(rendered.Objects.GroupBy(item => item.ToString()).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Theory]
    [InlineData("  replica: 3", "spec.replica: unknown field")]
    [InlineData("  replicas: three", "spec.replicas: 'three' is no int")]
    [InlineData("  replicas: \"3\"", "spec.replicas: '3' is no int")]
    [InlineData("  podManagementPolicy: parallel", "'parallel' is no OrderedReady|Parallel")]
    [InlineData("  volumeClaimTemplates: {}", "is no list")]
    [InlineData("  minReadySeconds: 1", "spec.template: required")]
    public void A_typing_mistake_is_found(string line, string message)
    {
        var item = YamlExtensions.Parse($"""
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {"{"}name: redis{"}"}
            spec:
              serviceName: redis-nodes
              selector: {"{}"}
            {line}
            """)[0];

        Assert.Contains(Schema.Check(item), error => error.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_number_is_no_value_of_an_environment_variable()
    {
        var item = YamlExtensions.Parse("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: x}
            data: {count: 3}
            """)[0];

        Assert.Equal(["ConfigMap/x.data.count: '3' is no string"], Schema.Check(item));
    }
}
