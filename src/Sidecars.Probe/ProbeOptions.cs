using System.Globalization;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Policy;

namespace Sidecars.Probe;

/// <summary>
/// All settings of redis-probe, named as redis-bootstrap's. The only file of this executable that reads the environment, and
/// only the variables it needs: the descriptions of Sidecars.Core's SettingReader would be made anew at each of a million runs.
/// </summary>
internal sealed class ProbeOptions
{
    private readonly Func<string, string?> _variable;
    private readonly ProbeSecurity _security;
    private readonly List<string> _errors;

    // Mistakes in files, at startup. Later they are remarks: a Secret may be in the middle of an update, and a server that runs is
    // not to be killed for it. It is asked without that password, and any reply is alive.
    private readonly List<string> _fileErrors;
    private readonly List<string> _remarks = [];

    private ProbeOptions(Func<string, string?> variable, ProbeSecurity security, List<string> errors, ProbeKind kind)
    {
        (_variable, _security, _errors) = (variable, security, errors);
        _fileErrors = kind == ProbeKind.Startup ? errors : _remarks;
    }

    /// <summary>Reads a variable for Main.</summary>
    public static string? ProcessVariable(string name)
    {
#pragma warning disable RS0030 // the one place of this executable that reads the environment
        return Environment.GetEnvironmentVariable(name);
#pragma warning restore RS0030
    }

    /// <summary>Reads everything; null where <paramref name="errors"/> is not empty.</summary>
    public static ProbeRequest? Read(CommandLine command, Func<string, string?> variable, ProbeSecurity security, List<string> errors)
    {
        var options = new ProbeOptions(variable, security, errors, command.Kind);
        var request = options.Read(command);
        if (errors.Count == 0) return request;
        errors.AddRange(options._remarks); // all mistakes at once
        return null;
    }

    private ProbeRequest? Read(CommandLine command)
    {
        var configDirectory = Text("CONFIG_DIR") ?? "/run/sidecars";
        var target = Target(command.Target, configDirectory);
        var redisPort = Port("REDIS_PORT", 6379);
        var sentinelPort = Port("SENTINEL_PORT", 26379);
        var servicePort = Port("REDIS_SENTINEL_SERVICE_PORT", sentinelPort, isRemote: true);
        var isSentinel = target == ProbeTarget.Sentinel;
        var endpoint = Endpoint(Text("REDIS_HOST") ?? "127.0.0.1", isSentinel ? sentinelPort : redisPort, "REDIS_HOST");
        var cluster = Cluster(out var isNamed);
        var timeout = new DurationSetting("PROBE_TIMEOUT", "PROBE_TIMEOUT_MS", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1))
            .Read(Text, _errors) ?? TimeSpan.FromMilliseconds(900);
        var lag = new DurationSetting("PROBE_MAX_LAG", "PROBE_MAX_LAG_SECONDS", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .Read(Text, _errors) ?? TimeSpan.FromSeconds(15);
        var count = Number("SENTINEL_COUNT", 3, 1, 31);
        var sentinels = Endpoints("REDIS_SENTINEL_SERVICE_HOST", servicePort);
        var secure = _security(Text, _errors);
        var (redis, sidecar, sentinel) = (Rotating("REDIS_PASSWORD"), Rotating("SIDECAR_PASSWORD"), Rotating("SENTINEL_PASSWORD"));
        if (endpoint is null || cluster is null) return null;
        if (sidecar.Count == 0) sidecar = redis;
        if (!isSentinel || sentinel.Count == 0) sentinel = redis;
        return new ProbeRequest
        {
            Kind = command.Kind,
            Target = target,
            Endpoint = endpoint,
            SocketPath = isSentinel ? null : Text("REDIS_SOCKET"),
            Credentials = Credentials(cluster, isNamed, sidecar, sentinel),
            OpenCredential = new RedisCredential(cluster.SidecarUser, cluster.SidecarUser),
            Deadline = timeout,
            MasterName = Text("MASTER_NAME") ?? cluster.MasterName,
            Sentinels = sentinels,
            SentinelCount = count,
            MaxLagSeconds = (int)lag.TotalSeconds,
            HeartbeatPath = Path.Combine(configDirectory, HeartbeatFile.Name),
            OwnHosts = Hosts(),
            Secure = secure,
            Remark = string.Join("; ", _remarks),
        };
    }

    // As redis-bootstrap decides: the word, else SENTINEL, else the one configuration that it wrote into this container.
    private ProbeTarget Target(ProbeTarget said, string configDirectory)
    {
        if (said != ProbeTarget.Detect) return said;
        switch (Text("SENTINEL")?.ToLowerInvariant())
        {
            case "true" or "yes" or "on" or "1": return ProbeTarget.Sentinel;
            case null or "false" or "no" or "off" or "0": break;
            default: _errors.Add($"SENTINEL is '{Text("SENTINEL")}'; it must be true or false"); break;
        }

        if (File.Exists(Path.Combine(configDirectory, "redis.conf"))) return ProbeTarget.Redis;
        return File.Exists(Path.Combine(configDirectory, "sentinel.conf")) ? ProbeTarget.Sentinel : ProbeTarget.Detect;
    }

    private ClusterId? Cluster(out bool isNamed)
    {
        var (name, space) = (Text("CLUSTER_ID"), Text("POD_NAMESPACE"));
        isNamed = name is not null || space is not null;
        if (ClusterId.TryParse(name ?? (space ?? "default") + "/redis", out var cluster)) return cluster;
        _errors.Add($"CLUSTER_ID is not namespace/name of letters, digits, . - _ with at most {ClusterId.MaxLength} characters");
        return null;
    }

    // The sidecars' user first; the default user for servers that redis-bootstrap did not configure.
    private static List<RedisCredential> Credentials(ClusterId cluster, bool isNamed, List<string> sidecar, List<string> own)
    {
        List<RedisCredential> credentials = [];
        for (var turn = 0; turn < 2; turn++)
        {
            var isService = turn == 0 == isNamed;
            foreach (var password in isService ? sidecar : own)
                credentials.Add(new RedisCredential(isService ? cluster.SidecarUser : null, password));
        }

        return credentials;
    }

    private List<string> Rotating(string name)
    {
        List<string> passwords = [];
        if (Secret(name) is { } current) passwords.Add(current);
        if (Previous(name) is { } previous)
        {
            if (passwords.Count == 0 && Text(name) is null && Text(name + "_FILE") is null)
                _errors.Add($"{name}_PREVIOUS is set without {name}");
            passwords.Add(previous);
        }

        return passwords;
    }

    // A Secret has the key only while a rotation lasts: a file that is not there is no previous password.
    private string? Previous(string name)
    {
        var path = Text(name + "_PREVIOUS_FILE") ?? (Text(name + "_FILE") is { } current ? current + "-previous" : null);
        return Secret(name + "_PREVIOUS", path is not null && File.Exists(path) ? path : null);
    }

    private string? Secret(string name) => Secret(name, Text(name + "_FILE"));

    private string? Secret(string name, string? path)
    {
        var fileName = name + "_FILE";
        var value = _variable(name);
        byte[] bytes;
        if (!string.IsNullOrEmpty(value))
        {
            if (path is not null) _errors.Add($"{name} and {fileName} are both set; set one");
            bytes = Encoding.UTF8.GetBytes(value);
        }
        else
        {
            if (path is null) return null;
            try
            {
                bytes = BoundedFile.Read(path, Core.Primitives.Secret.MaxBytes + 2); // and CR LF
            }
            catch (IOException e)
            {
                var right = e is FileNotFoundException ? "an existing file" : "a file that can be read: " + e.Message;
                _fileErrors.Add($"{fileName} is '{SettingReader.Shown(path)}'; it must be {right}");
                return null;
            }
        }

        if (Core.Primitives.Secret.TryParse(bytes, out var secret, out var problem)) return secret.Value;
        if (path is null) _errors.Add(name + " " + problem);
        else _fileErrors.Add(fileName + " (" + path + ") " + problem);
        return null;
    }

    private List<string> Hosts()
    {
        List<string> hosts = [];
        if (Text("ANNOUNCE_HOST") is { } announced) hosts.Add(announced);
        if (Text("POD_IP") is { } address) hosts.Add(address);
        return hosts;
    }

    private List<RedisEndpoint> Endpoints(string name, int port)
    {
        List<RedisEndpoint> endpoints = [];
        foreach (var part in (Text(name) ?? "").Split([',', ' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (Endpoint(part, port, name) is { } endpoint && !endpoints.Contains(endpoint)) endpoints.Add(endpoint);
        }

        return endpoints;
    }

    private RedisEndpoint? Endpoint(string text, int port, string name)
    {
        if (RedisEndpoint.TryParse(text, port, out var endpoint)) return endpoint;
        _errors.Add($"{name} is '{SettingReader.Shown(text)}'; it must be host or host:port ([v6]:port)");
        return null;
    }

    private int Number(string name, int defaultValue, int min, int max)
    {
        if (Text(name) is not { } text) return defaultValue;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        _errors.Add($"{name} is '{SettingReader.Shown(text)}'; it must be a whole number, {min}..{max}");
        return defaultValue;
    }

    // As SettingReader.Port.
    private int Port(string name, int defaultValue, bool isRemote = false)
    {
        if (Text(name) is not { } text || !ServiceLink.TryPort(text, out var linked)) return Number(name, defaultValue, 1, 65535);
        if (isRemote) return linked;
        _remarks.Add(ServiceLink.Ignored(name, SettingReader.Shown(text), defaultValue));
        return defaultValue;
    }

    private string? Text(string name) => _variable(name)?.Trim() is { Length: > 0 } text ? text : null;
}
