using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>redis-bootstrap typed beside a living server, in its environment: nothing happens to the group.</summary>
[Collection(GroupTests.Name)]
public sealed class SecondStartTests
{
    [Fact]
    public async Task Without_a_word_it_prints_help_and_starts_nothing()
    {
        await using var node = new LooseNode();
        await using var process = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable) { Environment = node.Environment, WorkingDirectory = node.DataFolder });
        Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync());
        Assert.Contains(process.Output, line => line.Contains("redis-bootstrap redis [-- ARGUMENT", StringComparison.Ordinal));
        Assert.False(Directory.Exists(node.ConfigFolder));
        Assert.Empty(Directory.EnumerateFileSystemEntries(node.DataFolder));
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("start")]
    public async Task Beside_a_living_master_it_refuses_before_it_acts_and_a_full_restart_still_works(string word)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "second-start" });
        var master = (await group.StartHealthyAsync()).Master!;
        await using var sidecars = GroupSidecars.Start(group);
        await group.WriteKeysAsync(master.Node, replicas: 2);
        await Eventually.UntilAsync("the master to be on record", async () => (await sidecars.RecordAsync()).LastServing is not null);
        var files = Files(master.Node.ConfigFolder);

        await using (var second = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, word) { Environment = master.Node.Process!.Start.Environment }))
        {
            Assert.Equal(ExitCode.Failed, await second.WaitForExitAsync());
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"something listens on port {master.Node.Endpoint.Port}"),
                Assert.Single(second.Output), StringComparison.Ordinal);
        }

        Assert.Equal(files, Files(master.Node.ConfigFolder));
        var state = await group.WaitAgreedAsync();
        Assert.Equal((master.Node, master.RunId), (state.Master!.Node, state.Master.RunId));
        Assert.All(state.Sentinels, s => Assert.Equal(0, s.Epoch));
        await Task.WhenAll(group.All.Select(n => n.KillAsync()));
        await group.StartAsync();
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
    }

    [Fact]
    public async Task A_data_directory_has_one_server_and_is_free_once_that_is_killed()
    {
        await using var node = new LooseNode();
        await node.StartAsync();
        await node.WaitServingAsync();
        var elsewhere = new Dictionary<string, string>(node.Environment)
        {
            ["REDIS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
            ["CONFIG_DIR"] = node.File("other-run"),
        };
        await using (var second = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "redis") { Environment = elsewhere, WorkingDirectory = node.DataFolder }))
        {
            Assert.Equal(ExitCode.Failed, await second.WaitForExitAsync());
            Assert.Contains("another process has the lock on", Assert.Single(second.Output), StringComparison.Ordinal);
        }

        // A child that saves does not hold it.
        await using (var client = await node.ConnectAsync()) Assert.False((await client.CallAsync(default, "BGSAVE")).IsError);
        await node.Process.KillAsync();
        await using var third = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "redis") { Environment = elsewhere, WorkingDirectory = node.DataFolder });
        await third.WaitUntilAsync(
            "the server answers", () => InlinePing.AnswersAsync(int.Parse(elsewhere["REDIS_PORT"], CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Something_else_on_the_port_is_named_and_the_marker_is_left_alone()
    {
        await using var node = new LooseNode();
        await using var other = await RedisProcess.StartAsync(null, node.Endpoint.Port);
        var process = await node.StartAsync();
        Assert.Equal(ExitCode.Failed, await process.WaitForExitAsync());
        Assert.Contains(ListensAt(other.Endpoint), Assert.Single(process.Output), StringComparison.Ordinal);
        Assert.False(File.Exists(new MarkerStore(node.DataFolder).MarkerPath));
    }

    [NetworkTheory]
    [InlineData("redis")]
    [InlineData("sentinel")]
    public async Task A_server_that_listens_on_an_interface_of_this_host_alone_is_named_and_nothing_is_done(string word)
    {
        using var network = NetworkHosts.Create(1);
        var host = network.Hosts[0];
        await using var node = new LooseNode();
        var listener = new RedisEndpoint(host.Address.ToString(), node.Endpoint.Port);
        string[] enter = [.. host.Namespace.Enter];
        await using var other = await ServerProcess.StartAsync(new ServerStart(enter[0],
            [.. enter[1..], "redis-server", "--bind", listener.Host, "--port", Text(listener.Port), "--save", ""]));
        await other.WaitForLineAsync(line => line.Contains("Ready to accept connections", StringComparison.Ordinal), "the server is ready");

        var process = await node.StartUnderAsync(enter, word);
        Assert.Equal(ExitCode.Failed, await process.WaitForExitAsync());
        Assert.Contains(ListensAt(listener), Assert.Single(process.Output), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(node.DataFolder));
        Assert.False(Directory.Exists(node.File("election")));
        Assert.True(other.Running);
    }

    private static string ListensAt(RedisEndpoint endpoint) => string.Create(CultureInfo.InvariantCulture,
        $"something listens on port {endpoint.Port} of this host already ({endpoint}); nothing was done");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string[] Files(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles().OrderBy(f => f.Name, StringComparer.Ordinal)
            .Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc.Ticks}")];
}
