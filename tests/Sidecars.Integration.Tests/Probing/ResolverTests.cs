using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>
/// The probe and the system's resolver, which can't be told how long it may take. In its place stands one that leaves a mark when
/// it is asked, and then does as its test says: preloaded, since no name server of a machine can be relied on to hang.
/// </summary>
public sealed class ResolverTests : IDisposable
{
    private const string Name = "redis-0.redis.tenant.svc";

    private const string Source = """
        #include <netdb.h>
        #include <stdlib.h>
        #include <string.h>
        #include <fcntl.h>
        #include <unistd.h>
        #include <netinet/in.h>

        int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result)
        {
            close(open(getenv("RESOLVER_MARK"), O_CREAT | O_WRONLY, 0644));
            const char *mode = getenv("RESOLVER_MODE");
            if (!strcmp(mode, "hang")) sleep(30);
            if (!strcmp(mode, "unknown")) return EAI_NONAME;
            struct { struct addrinfo info; struct sockaddr_in address; } *one = calloc(1, sizeof *one);
            one->address.sin_family = AF_INET;
            one->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            one->info.ai_family = AF_INET;
            one->info.ai_socktype = SOCK_STREAM;
            one->info.ai_addrlen = sizeof one->address;
            one->info.ai_addr = (struct sockaddr *)&one->address;
            *result = &one->info;
            return 0;
        }

        void freeaddrinfo(struct addrinfo *info) { free(info); }
        """;

    private readonly TempFolder _folder = new("resolver");
    private readonly string _library;

    public ResolverTests()
    {
        _library = _folder.File("resolver.so");
        // The compiler of the native publish.
        Assert.Null(Command.Run("clang", "-shared", "-fPIC", "-o", _library, _folder.Write("resolver.c", Source)));
    }

    private bool WasAsked => File.Exists(_folder.File("mark"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_address_touches_no_resolver()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var sentinel = await SentinelProcess.MonitorAsync("tenant.redis", redis.Endpoint, 1);
        var run = await ProbeRun.RunAsync("readiness", Beside("known", redis.Endpoint, sentinel.Endpoint.ToString()));
        Assert.Contains("1 of 3 Sentinels agree", run.Output, StringComparison.Ordinal);
        Assert.False(WasAsked);
    }

    [Fact]
    public async Task A_name_that_resolves_is_asked_at_its_address()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var sentinel = await SentinelProcess.MonitorAsync("tenant.redis", redis.Endpoint, 1);
        var run = await ProbeRun.RunAsync(
            "readiness", Beside("known", new RedisEndpoint(Name, redis.Port), FormattableString.Invariant($"{Name}:{sentinel.Port}")));
        Assert.True(run.Code == 0 && run.Output.Contains("1 of 3 Sentinels agree", StringComparison.Ordinal), run.ToString());
        Assert.True(WasAsked);
    }

    [Fact]
    public async Task A_name_that_is_unknown_fails_at_once_and_one_that_hangs_by_the_deadline()
    {
        // It would be alive if the probe waited for the resolver to the end.
        await using var redis = await RedisProcess.StartAsync();
        foreach (var mode in new[] { "unknown", "hang" })
        {
            var run = await ProbeRun.RunAsync("liveness", Beside(mode, new RedisEndpoint(Name, redis.Port), milliseconds: 500));
            Assert.True(run.Code == 1 && run.Output.Contains($"the name of {Name}:", StringComparison.Ordinal)
                && run.Output.Contains("is not resolved", StringComparison.Ordinal),
                mode + run);
            Assert.True(WasAsked);
        }
    }

    [Fact]
    public async Task Sentinels_whose_name_hangs_are_unknown()
    {
        await using var redis = await RedisProcess.StartAsync();
        var run = await ProbeRun.RunAsync("readiness", Beside("hang", redis.Endpoint, Name, 1000));
        Assert.True(run.Code == 0 && run.Output.EndsWith("0 of 3 Sentinels agree", StringComparison.Ordinal), run.ToString());
        Assert.True(WasAsked);
    }

    private Dictionary<string, string> Beside(
        string mode, RedisEndpoint redis, string sentinels = "", int milliseconds = ProbeRun.Patient) =>
        ProbeRun.At(redis, milliseconds,
            ("LD_PRELOAD", _library), ("RESOLVER_MODE", mode), ("RESOLVER_MARK", _folder.File("mark")),
            ("REDIS_SENTINEL_SERVICE_HOST", sentinels));
}
