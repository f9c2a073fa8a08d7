using System.Net;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Pages;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>
/// docker/compose.yaml agrees with the executables, the images and the manifests. It has run on podman 4.3, by Compose 1.29 without
/// the line "name"; nothing here needs an engine.
/// </summary>
public sealed partial class ComposeTests
{
    private static readonly ComposeFile Compose = ComposeFile.Load();

    [Fact]
    public void Every_variable_is_a_setting_and_the_containers_of_a_pod_have_the_same()
    {
        var known = SettingsPage.Names("group", "redis-bootstrap", "redis-failover", "publishing", "redis-backup");
        foreach (var (name, service, _) in Compose.Ours)
            Assert.Empty(service.Map("environment").Keys.Except(known).Select(key => $"{name}: {key}"));
        foreach (var pod in Compose.Ours.GroupBy(one => one.Service.Text("network_mode")).Where(pod => pod.Key is not null))
        {
            Assert.Equal(
                ["redis-backup", "redis-bootstrap", "redis-failover"], pod.Select(one => one.Executable).Order(StringComparer.Ordinal));
            Assert.Single(pod.Select(one => Joined(one.Service.Map("environment"))).Distinct());
            Assert.Single(pod.Select(one => string.Join(',', one.Service.Texts("volumes"))).Distinct());
        }
    }

    [Fact]
    public void Counts_names_and_addresses_are_those_of_the_services()
    {
        var pods = Compose.Pods.ToArray();
        var sentinels = Compose.Ours.Where(one => one.Service.Texts("command") is ["sentinel"]).ToArray();
        foreach (var (name, service, _) in Compose.Ours)
        {
            var settings = service.Map("environment");
            Assert.Equal(pods.Select(pod => NodeOf(pod.Value)), settings["REDIS_SERVER_SERVICE_HOST"].Split(','));
            Assert.Equal(sentinels.Select(one => one.Name), settings["REDIS_SENTINEL_SERVICE_HOST"].Split(','));
            Assert.Equal($"{pods.Length} {sentinels.Length}", $"{settings["REDIS_COUNT"]} {settings["SENTINEL_COUNT"]}");
            // A pod's containers are called as its network is.
            var pod = service.Text("network_mode") is { } mode ? Compose.Services[mode["service:".Length..]] : null;
            Assert.Equal(pod is null ? name : NodeOf(pod), settings["NODE_NAME"]);
        }

        Assert.Distinct(sentinels.Select(one => one.Service.Map("environment")["SENTINEL_SLOT"]));
        var network = IPNetwork.Parse(ComposeFile.Expanded(Compose.Node.At("networks", "group").Items("ipam", "config")[0].Text("subnet")));
        var addresses = pods.Select(pod => pod.Value).Concat(sentinels.Select(one => one.Service))
            .Select(service => IPAddress.Parse(ComposeFile.Expanded(service.Text("networks", "group", "ipv4_address")))).ToArray();
        Assert.Distinct(addresses);
        Assert.All(addresses, address => Assert.True(network.Contains(address), $"{address}"));
    }

    [ToolFact("kubectl")]
    public async Task Ports_are_those_of_the_manifests_and_reachable_from_this_machine_only()
    {
        var rendered = await Renders.GetAsync("components/backup");
        var redis = Ports(rendered.Workload("redis"), except: "exporter");
        var sentinel = Ports(rendered.Workload("sentinel"), except: "exporter");

        foreach (var (name, _) in Compose.Pods) Assert.Equal(redis, PortsOf(name));
        foreach (var (name, _, _) in Compose.Ours.Where(one => one.Service.Texts("command") is ["sentinel"]))
            Assert.Equal(sentinel, PortsOf(name));
        Assert.Distinct(Compose.HostPorts.Select(port => port.Host));
        Assert.All(Compose.HostPorts, port => Assert.Equal("127.0.0.1", port.Address));
    }

    [Fact]
    public void Images_are_ours_at_the_version_of_the_tree_and_never_pulled_from_somewhere_else()
    {
        var version = Version().Match(File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.props"))).Groups[1].Value;
        foreach (var (name, service) in Compose.Services)
        {
            var image = name.StartsWith("sentinel-", StringComparison.Ordinal) ? "sentinel" : "redis";
            Assert.Equal($"sidecars/{image}:{version}", ComposeFile.Expanded(service.Text("image")));
            Assert.Equal("never", service.Text("pull_policy"));
        }

        var file = File.ReadAllText(Path.Combine(Repository.Root, "docker", "redis", "Dockerfile"));
        Assert.All(Compose.Ours, one => Assert.Matches($@"[/ ]{one.Executable}\b", file));
    }

    [ToolFact("kubectl")]
    public async Task Rights_and_health_are_those_of_the_manifests()
    {
        foreach (var (name, service) in Compose.Services)
        {
            Assert.Equal("true", service.Text("read_only"));
            Assert.Equal(["ALL"], service.Texts("cap_drop"));
            Assert.Equal(name == "prepare" ? ["CHOWN"] : [], service.Texts("cap_add"));
            if (name == "prepare") continue; // ends after it has given some volumes their owner
            Assert.Null(service.Text("user"));
            Assert.Equal(["no-new-privileges:true"], service.Texts("security_opt"));
            Assert.Equal("unless-stopped", service.Text("restart"));
        }

        var rendered = await Renders.GetAsync("base");
        foreach (var (_, service, _) in Compose.Ours.Where(one => one.Executable == "redis-bootstrap"))
        {
            var workload = rendered.Workload(service.Texts("command") is ["sentinel"] ? "sentinel" : "redis");
            Assert.Equal(["CMD", .. workload.Main.Texts("readinessProbe", "exec", "command")], service.Texts("healthcheck", "test"));
        }
    }

    [Fact]
    public void No_password_is_in_the_file_and_each_is_a_file_that_git_ignores()
    {
        var declared = (YamlMappingNode)Compose.Node.At("secrets")!;
        Assert.All(declared.Children, secret => Assert.Equal($"./secrets/{secret.Key.Text()}", secret.Value.Text("file")));
        foreach (var (name, service, _) in Compose.Ours)
        {
            var settings = service.Map("environment");
            var passwords = settings.Where(setting => setting.Key.Contains("PASSWORD", StringComparison.Ordinal)).ToArray();
            Assert.NotEmpty(passwords);
            // A file is named as the key of a tenant's Secret is.
            Assert.All(passwords, setting => Assert.Equal($"/run/secrets/{Key(setting.Key)}", setting.Value));
            Assert.Equal(
                passwords.Select(setting => setting.Value["/run/secrets/".Length..]).Order(StringComparer.Ordinal),
                service.Texts("secrets").Order(StringComparer.Ordinal));
            Assert.True(service.Texts("secrets").All(secret => declared.Children.ContainsKey(new YamlScalarNode(secret))), name);
        }

        Assert.Contains("/docker/secrets/", File.ReadAllLines(Path.Combine(Repository.Root, ".gitignore")));
    }

    [Fact]
    public void Every_volume_is_declared_and_used_and_every_folder_is_there()
    {
        var declared = ((YamlMappingNode)Compose.Node.At("volumes")!).Children.Keys.Select(key => key.Text()!).ToArray();
        var mounted = Compose.Services.Values.SelectMany(service => service.Texts("volumes"))
            .Select(volume => volume.Split(':')[0]).Distinct().ToArray();
        var folders = mounted.Where(source => source.StartsWith('.')).ToArray();

        Assert.Equal(declared.Order(StringComparer.Ordinal), mounted.Except(folders).Order(StringComparer.Ordinal));
        Assert.NotEmpty(folders);
        Assert.All(folders, folder => Assert.True(Directory.Exists(Path.Combine(Repository.Root, "docker", folder)), folder));
        // A new volume is root's, unless the images have the folder and its owner.
        var prepared = Compose.Services["prepare"].Texts("entrypoint").Where(word => word.StartsWith('/')).ToArray();
        Assert.Equal(
            prepared.Select(target => $"{target[1..]}:{target}"), Compose.Services["prepare"].Texts("volumes"));
        foreach (var (name, service, executable) in Compose.Ours)
        {
            Assert.Empty(service.Texts("volumes").Where(volume => !volume.StartsWith('.')).Select(volume => volume.Split(':')[1])
                .Except([.. prepared, "/data", "/run/sidecars"]));
            // A drill restores to a folder that it can write, which the container's own are not.
            if (executable == "redis-backup") Assert.True(service.Map("environment").ContainsKey("BACKUP_SCRATCH_DIR"), name);
            // What a setting leads to is mounted.
            var targets = service.Texts("volumes").Select(volume => volume.Split(':')[1])
                .Concat(service.Texts("secrets").Select(secret => $"/run/secrets/{secret}")).ToArray();
            var paths = service.Map("environment").Where(setting => FileMounts.NamesAFile(setting.Key, setting.Value)
                || setting.Key is "ELECTION_DIR" or "BACKUP_STORE" or "BACKUP_SCRATCH_DIR" or "REDIS_BASE_CONFIG"
                    or "SENTINEL_BASE_CONFIG").ToArray();
            Assert.NotEmpty(paths);
            Assert.All(paths, setting => Assert.Contains(targets, target => FileMounts.Covers(target, setting.Value)));
            Assert.Contains(name.StartsWith("sentinel-", StringComparison.Ordinal) ? "/run/sidecars" : "/data", targets);
        }
    }

    private static string Joined(IReadOnlyDictionary<string, string> settings) =>
        string.Join(',', settings.OrderBy(setting => setting.Key, StringComparer.Ordinal));

    // "redis-password" of REDIS_PASSWORD_FILE.
    private static string Key(string setting) =>
        setting.Replace("_FILE", "", StringComparison.Ordinal).Replace('_', '-').ToLowerInvariant();

    private static string NodeOf(YamlNode pod) => Assert.Single(pod.Texts("networks", "group", "aliases"));

    private static string[] PortsOf(string service) =>
        [.. Compose.HostPorts.Where(port => port.Service == service).Select(port => port.Container).Order(StringComparer.Ordinal)];

    private static string[] Ports(Workload workload, string except) =>
    [
        .. workload.Containers.Where(container => container.Text("name") != except).SelectMany(container => container.Items("ports"))
            .Select(port => port.Text("containerPort")!).Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex Version();
}
