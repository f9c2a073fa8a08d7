using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.Manifests.Tests.Schema;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>The lines of manifests/docs/install.md, as a reader puts them into a tenant.</summary>
public sealed class InstallPageTests
{
    [ToolTheory("kubectl")]
    [InlineData("components/monitoring")]
    [InlineData("components/backup")]
    public async Task A_registry_with_a_login_is_asked_with_it_by_every_pod(string component)
    {
        var rendered = await Renders.OverlayAsync([component], PageBlock.In("install.md", "imagePullSecrets"));

        Assert.Empty(rendered.Objects.SelectMany(item => ManifestSchema.Load().Check(item.Node)));
        foreach (var workload in rendered.Workloads.Concat(rendered.Jobs))
        {
            var account = rendered.OfKind("ServiceAccount").Single(item => item.Name == workload.Pod.Text("serviceAccountName"));
            Assert.Equal("registry", Assert.Single(account.Node.Items("imagePullSecrets")).Text("name"));
        }
    }

    [ToolFact("kubectl")]
    public async Task A_static_key_reaches_every_container_that_talks_to_the_store()
    {
        var rendered = await Renders.OverlayAsync(["components/backup-credentials"], PageBlock.In("install.md", "BACKUP_S3_ENDPOINT"));
        var ours = rendered.Workload("redis").Containers.Where(container => container.Text("name") != "exporter").ToArray();
        var jobs = rendered.Jobs.SelectMany(job => job.Containers).ToArray();

        Assert.Equal(["backup", "failover", "redis"], ours.Select(container => container.Text("name")).Order(StringComparer.Ordinal));
        Assert.Equal(2, jobs.Length);
        foreach (var container in ours.Concat(jobs))
        {
            var environment = rendered.EnvironmentOf(container);
            Assert.Equal("s3://my-backups", environment["BACKUP_STORE"]);
            Assert.Equal("https://s3.example:9000", environment["BACKUP_S3_ENDPOINT"]);
            Assert.Equal("us-east-1", environment["BACKUP_S3_REGION"]);
            var mount = container.Items("volumeMounts").Single(item => item.Text("name") == "s3");
            Assert.Equal($"{mount.Text("mountPath")}/{Assert.Single(ReferenceTests.Inputs()["redis-s3"])}",
                environment["AWS_SHARED_CREDENTIALS_FILE"]);
            Assert.Equal("true", mount.Text("readOnly"));
        }

        // No key is in the environment, where it could not be replaced while pods run.
        Assert.DoesNotContain(ours.Concat(jobs).SelectMany(container => rendered.EnvironmentOf(container).Keys),
            name => name.StartsWith("AWS_SECRET", StringComparison.Ordinal));
        Assert.DoesNotContain(rendered.Workload("sentinel").Pod.Items("volumes"), volume => volume.Text("name") == "s3");
    }
}
