using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Watch;

/// <summary>The kernel's word about the own server's process: real processes, and lines as proc(5) has them.</summary>
public sealed class OwnProcessTests
{
    [Theory]
    [InlineData("4711 (redis-server) S 1 4711 4711 0 -1 4194560 9 0 0", false)]
    [InlineData("4711 (redis-server) R 1 4711 4711 0 -1 4194564 9 0 0", true)] // PF_EXITING
    [InlineData("4711 (redis-server) Z 1 4711 4711 0 -1 4194560 9 0 0", true)]
    [InlineData("4711 (redis-server) X 1 4711 4711 0 -1 4194560 9 0 0", true)]
    [InlineData("4711 (a Z 1 2 3) 4 5) T 1 4711 4711 0 -1 4194560 9 0 0", false)] // stopped is not dead
    public void What_stat_says(string line, bool isEnding) =>
        Assert.Equal(isEnding, ProcessStat.Read(Encoding.ASCII.GetBytes(line))!.IsEnding);

    [Theory]
    [InlineData("")]
    [InlineData("4711 (redis-server)")]
    [InlineData("4711 (redis-server) S 1 4711 4711 0 -1")]
    [InlineData("4711 (redis-server) S 1 4711 4711 0 -1 -4 9 0 0")]
    [InlineData("4711 (redis-server) SZ 1 4711 4711 0 -1 4 9 0 0")]
    public void What_is_no_stat_says_nothing(string line) => Assert.Null(ProcessStat.Read(Encoding.ASCII.GetBytes(line)));

    [Fact]
    public void Only_what_listens_on_the_port_counts()
    {
        const string Header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        const string Line = "   0: {0} {1} {2} 00000000:00000000 00:00000000 00000000   999        0 {3} 1 0000000000000000 100 0 0 10 0";
        static string Of(string local, string remote, string state, int inode) =>
            string.Format(System.Globalization.CultureInfo.InvariantCulture, Line, local, remote, state, inode);
        string[] lines =
        [
            Header, Of("0100007F:18EB", "00000000:0000", "0A", 11), Of("00000000:18EB", "00000000:0000", "0A", 12),
            Of("0100007F:18EC", "00000000:0000", "0A", 13), Of("0100007F:18EB", "0100007F:9C40", "01", 14),
            Of("00000000000000000000000001000000:18EB", "00000000000000000000000000000000:0000", "0A", 15), "", "  7: 0100007F:18EB",
            Of("0100630A:18EB", "00000000:0000", "0A", 16), Of("x100007F:18EB", "00000000:0000", "0A", 17),
        ];
        Assert.Equal(
            ["socket:[11] 127.0.0.1:6379", "socket:[12] 0.0.0.0:6379", "socket:[15] [::1]:6379", "socket:[16] 10.99.0.1:6379"],
            ListeningSockets.Read(lines, 6379).Select(socket => $"{socket.Name} {socket.At}"));
    }

    [Fact]
    public async Task A_killed_server_is_seen_to_end_a_stopped_one_is_not()
    {
        await using var redis = await RedisProcess.StartAsync();
        using var process = OwnProcess.Find(redis.Process.Pid, redis.Endpoint.Port);
        Assert.NotNull(process);
        Assert.False(process.IsEnding);
        redis.Process.Pause();
        Assert.False(process.IsEnding);
        redis.Process.Kill();
        await Eventually.UntilAsync("the kernel to say so", () => process.IsEnding);
        await redis.Process.WaitForExitAsync();
        Assert.True(process.IsEnding); // nor does it come back
    }

    [Fact]
    public async Task A_number_alone_is_no_proof()
    {
        await using var redis = await RedisProcess.StartAsync();
        Assert.Null(OwnProcess.Find(Environment.ProcessId, redis.Endpoint.Port)); // as process 1 is in another namespace
        Assert.Null(OwnProcess.Find(redis.Process.Pid, FreePort.Next()));
        Assert.Null(OwnProcess.Find(int.MaxValue, redis.Endpoint.Port));
    }
}
