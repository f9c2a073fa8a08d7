using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>
/// scripts/tenant rotate-password with a kubectl that writes down what it is told, and keeps a Secret in a folder that every pod mounts.
/// </summary>
public sealed class RotatePasswordTests : IDisposable
{
    // $SECRET: the Secret, a file a key. $STALE: what pods have mounted instead. $UNREADY: what a sidecar still waits for.
    private const string Kubectl = """
        #!/bin/sh
        echo "$*" >>"$CALLS"
        case "$*" in
            *"get secret redis-auth"*)
                echo "= 42"
                for key in "$SECRET"/*; do echo "${key##*/} $(base64 -w 0 <"$key")"; done ;;
            *"patch secret redis-auth"*)
                while [ "$1" != --patch-file ]; do shift; done
                cat "$2" >>"$PATCHES"
                tr ',{}' '\n\n\n' <"$2" | sed -n 's/^"\([a-z-]*\)":"\{0,1\}\([^"]*\)"\{0,1\}$/\1 \2/p' | while read -r key value; do
                    case $key in
                        resourceVersion | metadata | data) ;;
                        *) if [ "$value" = null ]; then rm "$SECRET/$key"; else echo "$value" | base64 -d >"$SECRET/$key"; fi ;;
                    esac
                done ;;
            *"get pods --selector"*sentinel*) echo pod/sentinel-x ;;
            *"get pods --selector"*) printf 'pod/redis-0\npod/redis-1\n' ;;
            *"redis-failover passwords"*)
                if [ -n "$UNREADY" ]; then echo "$UNREADY"; exit 1; fi
                echo "redis-password 0a1b2c"; echo "ready: fine" ;;
            *"sh -c"*)
                while [ "$1" != sh ]; do shift; done
                script=$3; shift 5
                exec sh -c "$script" sums "${STALE:-$SECRET}" "$@" ;;
        esac
        """;

    private static readonly string[] Keys =
        ["redis-password", "replication-password", "sentinel-auth-password", "sentinel-password", "sidecar-password"];

    private readonly TenantScript _copy = new(Kubectl);

    public RotatePasswordTests()
    {
        foreach (var key in Keys)
        {
            _copy.Write("secret/" + key, "old-" + key);
            _copy.Write("stale/" + key, "old-" + key);
        }
    }

    public void Dispose() => _copy.Dispose();

    [ToolFact("bash")]
    public async Task Passwords_are_changed_in_two_patches_and_stand_on_no_command_line()
    {
        var result = await RunAsync([]);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(Keys.Order(), Names()); // no previous one is left
        Assert.Equal("old-sidecar-password", Secret("sidecar-password")); // only when it is asked for
        foreach (var key in Keys.Take(4)) Assert.Matches("^[A-Za-z0-9]{43}$", Secret(key));
        Assert.Equal(4, Keys.Take(4).Select(Secret).Distinct().Count());

        var calls = File.ReadAllText(_copy.File("calls"));
        Assert.Equal(2, calls.Split('\n')
            .Count(call => call.Contains("patch secret redis-auth --type merge --patch-file /dev/shm/", StringComparison.Ordinal)));
        var patches = File.ReadAllLines(_copy.File("patches"));
        Assert.Contains("\"resourceVersion\":\"42\"", patches[0], StringComparison.Ordinal);
        Assert.Contains(
            $"\"redis-password-previous\":\"{Convert.ToBase64String("old-redis-password"u8)}\"", patches[0], StringComparison.Ordinal);
        Assert.Contains("\"redis-password-previous\":null", patches[1], StringComparison.Ordinal);
        foreach (var text in (string[])[calls, result.Output, result.Error])
            Assert.All(Keys.Take(4)
                .SelectMany(key => (string[])[Secret(key), Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Secret(key)))]),
                secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        Assert.Contains("redis-1 redis-password 0a1b2c", result.Output, StringComparison.Ordinal);
    }

    [ToolFact("bash")]
    public async Task A_rotation_that_is_kept_open_is_ended_by_finish_and_by_nothing_else()
    {
        Assert.Equal(0, (await RunAsync([], "--secret", "redis-password", "--secret", "sidecar-password", "--keep")).ExitCode);
        Assert.Equal(["redis-password-previous", "sidecar-password-previous"], Names().Except(Keys));
        Assert.Equal("old-redis-password", Secret("redis-password-previous"));

        var second = await RunAsync([], "--secret", "sentinel-password");
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("is under way", second.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync([], "--finish")).ExitCode);
        Assert.Equal(Keys.Order(), Names());
        Assert.Contains("no rotation is under way", (await RunAsync([], "--finish")).Error, StringComparison.Ordinal);
    }

    [ToolTheory("bash")]
    [InlineData("STALE", "the Secret at redis-0")]
    [InlineData("UNREADY", "redis-behind: redis-2 does not accept")]
    public async Task The_old_password_stays_while_a_node_does_not_report_the_new_one(string variable, string message)
    {
        var result = await RunAsync(new() { [variable] = variable == "STALE" ? _copy.File("stale") : message, ["ROTATION_TIMEOUT"] = "0" });

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal("old-redis-password", Secret("redis-password-previous"));
        Assert.Single(File.ReadAllLines(_copy.File("patches")));
    }

    [ToolTheory("bash")]
    [InlineData("no key 'root-password'", "--secret", "root-password")]
    [InlineData("a value is missing", "--secret")]
    [InlineData("unknown argument --force", "--force")]
    public async Task A_mistake_is_named_and_nothing_is_asked(string message, params string[] arguments)
    {
        var result = await RunAsync([], arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_copy.File("calls")));
    }

    private string Secret(string key) => File.ReadAllText(_copy.File("secret", key));

    private IEnumerable<string> Names() => Directory.EnumerateFiles(_copy.File("secret")).Select(path => Path.GetFileName(path)).Order();

    private Task<ToolResult> RunAsync(Dictionary<string, string> variables, params string[] arguments)
    {
        variables["PATCHES"] = _copy.File("patches");
        variables["SECRET"] = _copy.File("secret");
        return _copy.RunWithAsync(variables, ["rotate-password", "demo-a", .. arguments]);
    }
}
