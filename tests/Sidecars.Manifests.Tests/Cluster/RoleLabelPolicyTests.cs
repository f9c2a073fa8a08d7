using Sidecars.Failover.RoleLabel;
using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Cluster;

/// <summary>
/// The admission policy that bounds the role label is whole. That its expressions mean what they say takes an API server: those about
/// the pod, its spec and its labels were tried on one (1.32), the rest is of the same form.
/// </summary>
public sealed class RoleLabelPolicyTests
{
    [ToolFact("kubectl")]
    public async Task The_policy_denies_whatever_it_does_not_name()
    {
        var rendered = await Renders.GetAsync("cluster/role-label");
        var policy = Assert.Single(rendered.OfKind("ValidatingAdmissionPolicy")).Node;
        var binding = Assert.Single(rendered.OfKind("ValidatingAdmissionPolicyBinding")).Node;

        Assert.Equal((policy.Text("metadata", "name"), "Fail"), (binding.Text("spec", "policyName"), policy.Text("spec", "failurePolicy")));
        Assert.Equal(["Deny"], binding.Texts("spec", "validationActions"));
        var rule = Assert.Single(policy.Items("spec", "matchConstraints", "resourceRules"));
        // A label of a Pod is written through both, and the right may be given for either.
        Assert.Equal(["pods", "pods/status"], rule.Texts("resources"));
        Assert.Equal(["UPDATE"], rule.Texts("operations")); // a patch too is an update to admission
        var condition = Assert.Single(policy.Items("spec", "matchConditions")).Text("expression")!;
        Assert.Contains("system:serviceaccount:", condition, StringComparison.Ordinal);
        var expressions = policy.Items("spec", "validations").Select(validation => validation.Text("expression")!).ToArray();
        foreach (var part in (string[])["spec", "status", "metadata.annotations", "metadata.finalizers", "metadata.ownerReferences"])
            Assert.Contains(expressions, expression => expression.Contains($"object.{part} == oldObject.{part}", StringComparison.Ordinal));
        foreach (var extra in (string[])["pod-name", "pod-uid"])
            Assert.Contains(expressions, expression => expression.Contains(
                $"request.userInfo.extra['authentication.kubernetes.io/{extra}'][0] == object.metadata.{extra[4..]}",
                StringComparison.Ordinal));
        foreach (var value in (string[])[RoleLabelPolicy.Label, RoleLabelPolicy.Master, RoleLabelPolicy.Replica])
            Assert.Contains(expressions, expression => expression.Contains($"'{value}'", StringComparison.Ordinal));
        Assert.All(policy.Items("spec", "validations"), validation => Assert.NotNull(validation.Text("message")));
    }

    [ToolFact("kubectl")]
    public async Task It_is_about_the_account_and_the_namespaces_of_tenants()
    {
        var cluster = await Renders.GetAsync("cluster/role-label");
        var tenant = await Renders.GetAsync("components/role-label");
        var account = tenant.Workload("redis").Pod.Text("serviceAccountName");

        Assert.EndsWith($"+ ':{account}'",
            Assert.Single(cluster.OfKind("ValidatingAdmissionPolicy")).Node.Items("spec", "matchConditions")[0].Text("expression"),
            StringComparison.Ordinal);
        var selector = Assert.Single(cluster.OfKind("ValidatingAdmissionPolicyBinding")).Node
            .Map("spec", "matchResources", "namespaceSelector", "matchLabels");
        var labels = Assert.Single(tenant.OfKind("Namespace")).Node.Map("metadata", "labels");
        Assert.NotEmpty(selector);
        Assert.All(selector, pair => Assert.Equal(pair.Value, labels.GetValueOrDefault(pair.Key)));
    }
}
