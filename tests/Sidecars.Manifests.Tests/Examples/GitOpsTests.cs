using System.Globalization;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Examples;

/// <summary>
/// The examples for Argo CD and Flux, beside what SchemaTests and ConventionTests check of every render: that they lead to folders of this
/// repository, and that nothing they delete is a tenant's namespace.
/// </summary>
public sealed partial class GitOpsTests
{
    [ToolFact("kubectl")]
    public async Task Every_tenant_has_an_Application_of_its_own_and_monitoring_one()
    {
        var rendered = await Renders.GetAsync("examples/argocd");
        var set = Assert.Single(rendered.OfKind("ApplicationSet")).Node;
        var directories = Assert.Single(set.Items("spec", "generators")).Items("git", "directories").Select(item => item.Text("path"));
        Assert.Equal("manifests/tenants/*", Assert.Single(directories));
        // A folder in it that is no tenant would become an Application that can't be rendered.
        Assert.All(Renders.Names("tenants"), name => Assert.True(File.Exists(Path.Combine(Renders.Folder, name, "kustomization.yaml"))));
        var template = set.At("spec", "template");
        Assert.Equal("{{.path.path}}", template.Text("spec", "source", "path"));
        Assert.Equal("{{.path.basename}}", template.Text("spec", "destination", "namespace"));
        Assert.Equal("true", set.Text("spec", "goTemplate"));

        var application = Assert.Single(rendered.OfKind("Application")).Node;
        AssertKustomization(application.Text("spec", "source", "path")!);
        Assert.NotEmpty((await Renders.GetAsync("cluster/monitoring")).OfKind("PrometheusRule"));
        // Both read one repository at one revision.
        Assert.Equal(application.Text("spec", "source", "repoURL"), template.Text("spec", "source", "repoURL"));
        Assert.Equal(application.Text("spec", "source", "targetRevision"), set.Items("spec", "generators")[0].Text("git", "revision"));
    }

    [ToolFact("kubectl")]
    public async Task A_tenant_of_Flux_is_a_folder_and_its_source_is_there()
    {
        var rendered = await Renders.GetAsync("examples/flux");
        var tenant = Assert.Single(rendered.OfKind("Kustomization"));
        AssertKustomization(tenant.Node.Text("spec", "path")!);
        Assert.EndsWith("/" + tenant.Name, tenant.Node.Text("spec", "path"), StringComparison.Ordinal);
        Assert.Contains(rendered.OfKind(tenant.Node.Text("spec", "sourceRef", "kind")!),
            source => source.Name == tenant.Node.Text("spec", "sourceRef", "name"));
        // What can't be changed in place (a claim template) must not be deleted and made anew.
        Assert.NotEqual("true", tenant.Node.Text("spec", "force"));
        Assert.Null(tenant.Node.At("spec", "targetNamespace"));
    }

    [ToolTheory("kubectl")]
    [InlineData("argocd", "ApplicationSet", "argocd.argoproj.io/sync-options", "Prune=false,Delete=false")]
    [InlineData("flux", "Kustomization", "kustomize.toolkit.fluxcd.io/prune", "disabled")]
    public async Task Pruning_leaves_the_namespace_of_every_tenant(string example, string kind, string annotation, string value)
    {
        var owner = Assert.Single((await Renders.GetAsync($"examples/{example}")).OfKind(kind)).Node;
        var patches = kind == "ApplicationSet"
            ? owner.Items("spec", "template", "spec", "source", "kustomize", "patches")
            : owner.Items("spec", "patches");
        foreach (var tenant in Renders.Names("tenants"))
        {
            var rendered = await PatchedAsync(tenant, patches);

            Assert.Equal(value, Assert.Single(rendered.OfKind("Namespace")).Node.Map("metadata", "annotations")[annotation]);
            Assert.DoesNotContain(rendered.Objects.Where(item => item.Kind != "Namespace"),
                item => item.Node.Map("metadata", "annotations").ContainsKey(annotation));
        }
    }

    [ToolFact("kubectl")]
    public async Task What_Argo_CD_ignores_is_nothing_that_a_tenant_sets()
    {
        var set = Assert.Single((await Renders.GetAsync("examples/argocd")).OfKind("ApplicationSet")).Node;
        var ignored = Assert.Single(set.Items("spec", "template", "spec", "ignoreDifferences"));
        Assert.Equal(("apps", "StatefulSet"), (ignored.Text("group"), ignored.Text("kind")));
        Assert.Equal(
            [".spec.volumeClaimTemplates[]?.apiVersion", ".spec.volumeClaimTemplates[]?.kind"], ignored.Texts("jqPathExpressions"));
        foreach (var tenant in Renders.Names("tenants"))
        {
            var sets = (await Renders.GetAsync(tenant)).OfKind("StatefulSet");
            var claims = sets.SelectMany(item => item.Node.Items("spec", "volumeClaimTemplates"));
            Assert.All(claims, claim => Assert.Null(claim.At("apiVersion") ?? claim.At("kind")));
        }
    }

    [ToolFact("kubectl")]
    public async Task A_tenant_that_a_person_suspends_stays_so_and_resumes_as_it_was()
    {
        var set = Assert.Single((await Renders.GetAsync("examples/argocd")).OfKind("ApplicationSet")).Node;
        var page = await File.ReadAllTextAsync(Path.Combine(Renders.Folder, "docs", "gitops.md"));
        var patches = Patch().Matches(page).Where(match => match.Groups["kind"].Value == "application")
            .Select(match => YamlExtensions.Parse(match.Groups["patch"].Value).Single()).ToArray();
        Assert.Equal(2, patches.Length);
        var (suspend, resume) = (Assert.Single(((YamlSequenceNode)patches[0]).Children), patches[1]);

        // What the page takes away is what the controller leaves alone, and no more.
        Assert.Equal("remove", suspend.Text("op"));
        Assert.Equal([suspend.Text("path")!], Assert.Single(set.Items("spec", "ignoreApplicationDifferences")).Texts("jsonPointers"));
        // It is given back whole: the controller leaves it alone then, too.
        var template = set.At("spec", "template");
        Assert.NotEmpty(template.Map("spec", "syncPolicy", "automated"));
        Assert.Equal(template.Map("spec", "syncPolicy", "automated"), resume.Map("spec", "syncPolicy", "automated"));
        Assert.Equal("sidecars-{{.path.basename}}", template.Text("metadata", "name"));
    }

    private static async Task<Rendered> PatchedAsync(string tenant, IEnumerable<YamlNode> patches)
    {
        using var overlay = new TempFolder("gitops");
        var there = Path.GetRelativePath(overlay.Path, Path.Combine(Renders.Folder, tenant));
        var lines = patches.Select((patch, i) =>
        {
            overlay.Write(string.Create(CultureInfo.InvariantCulture, $"{i}.yaml"), patch.Text("patch")!);
            return string.Create(CultureInfo.InvariantCulture, $"- path: {i}.yaml\n  target: {{kind: {patch.Text("target", "kind")}}}\n");
        });
        overlay.Write("kustomization.yaml", $"resources: [{there}]\npatches:\n{string.Concat(lines)}");
        return await Renders.KustomizeAsync(overlay.Path);
    }

    private static void AssertKustomization(string path) =>
        Assert.True(File.Exists(Path.Combine(Repository.Root, path, "kustomization.yaml")), path);

    [GeneratedRegex("patch (?<kind>[a-z]+) [^']*'(?<patch>[^']+)'")]
    private static partial Regex Patch();
}
