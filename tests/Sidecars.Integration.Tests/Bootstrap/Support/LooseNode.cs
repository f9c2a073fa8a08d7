using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>
/// One published redis-bootstrap outside of any group, with every variable in the test's hand: for Sentinels and peers that
/// are scripted. By default a group of one Redis, and one Sentinel that is not there.
/// </summary>
internal sealed class LooseNode : IAsyncDisposable
{
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(5);
    private readonly TempFolder _folder = new("loose");

    public LooseNode(params (string Name, string Value)[] environment)
    {
        Endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        DataFolder = _folder.Folder("data");
        ConfigFolder = _folder.File("run"); // not there yet: redis-bootstrap creates it
        Environment = new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = "test/loose",
            ["NODE_NAME"] = "redis-0",
            ["REDIS_COUNT"] = "1",
            ["SENTINEL_COUNT"] = "1",
            ["REDIS_SERVER_SERVICE_HOST"] = Endpoint.ToString(),
            ["REDIS_SENTINEL_SERVICE_HOST"] = Nowhere().ToString(),
            ["REDIS_PORT"] = Number(Endpoint.Port),
            ["SENTINEL_PORT"] = Number(Endpoint.Port),
            ["ANNOUNCE_HOST"] = Endpoint.Host,
            ["DATA_DIR"] = DataFolder,
            ["CONFIG_DIR"] = ConfigFolder,
            ["ELECTION"] = "file",
            ["ELECTION_DIR"] = _folder.File("election"),
            ["RETRY_MAX"] = "200",
        };
        foreach (var (name, value) in environment) Environment[name] = value;
    }

    public RedisEndpoint Endpoint { get; }

    public string DataFolder { get; }

    public string ConfigFolder { get; }

    public Dictionary<string, string> Environment { get; }

    public ServerProcess Process { get; private set; } = null!;

    public static string Executable => Repository.NativeExecutable("redis-bootstrap");

    /// <summary>An address where a connection is refused.</summary>
    public static RedisEndpoint Nowhere() => new("127.0.0.1", FreePort.Next());

    public string File(params string[] parts) => _folder.File(parts);

    public string Write(string name, string content) => _folder.Write(name, content);

    /// <summary>An executable shell script in the place of the server.</summary>
    public string Script(string body)
    {
        var path = _folder.Write("server.sh", "#!/bin/sh\n" + body + "\n");
#pragma warning disable CA1416 // redis-bootstrap runs on Linux only
        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        return path;
    }

    /// <summary>Starts it; without arguments as <c>redis-bootstrap redis</c>.</summary>
    public Task<ServerProcess> StartAsync(params string[] arguments) => StartUnderAsync([], arguments);

    /// <summary>Starts it through programs that prepare its process (<c>env --ignore-signal=PIPE</c>).</summary>
    public async Task<ServerProcess> StartUnderAsync(string[] parent, params string[] arguments)
    {
        string[] all = [.. parent, Executable, .. arguments.Length == 0 ? ["redis"] : arguments];
        if (Process is not null) await Process.DisposeAsync();
        return Process = await ServerProcess.StartAsync(
            new ServerStart(all[0], all[1..]) { Name = "redis-bootstrap", Environment = Environment, WorkingDirectory = DataFolder });
    }

    /// <summary>Waits for its exec and until the server answers.</summary>
    public Task WaitServingAsync() => Process.WaitUntilAsync("the server answers", () => InlinePing.AnswersAsync(Endpoint.Port));

    public Task<bool> ListensAsync() => InlinePing.AnswersAsync(Endpoint.Port);

    public Task<RedisClient> ConnectAsync() => ConnectAsync(Endpoint);

    public static Task<RedisClient> ConnectAsync(RedisEndpoint endpoint) => RedisClient.ConnectAsync(
        new TcpTransport(endpoint), new RedisClientOptions { ConnectTimeout = ClientTimeout, CommandTimeout = ClientTimeout }, default);

    public async Task<string> ConfigAsync(string name)
    {
        await using var client = await ConnectAsync();
        return (await client.CallAsync(default, "CONFIG", "GET", name)).Items[1].Text;
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        _folder.Dispose();
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
