using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Unit.Tests.Core.Sentinel;

/// <summary>Flags as Redis 7 and 8, Valkey 8 and 9 and Redict show them, and what is decided by each.</summary>
public sealed class SentinelFlagsTests
{
    private static readonly RedisEndpoint At = new("10.0.0.1", 6379);

    [Theory]
    [InlineData("master", true, false, false, false)]
    [InlineData("master,some_new_flag", true, false, false, false)]
    [InlineData("s_down,master", false, true, false, false)]
    [InlineData("s_down,o_down,master,disconnected", false, true, true, false)]
    [InlineData("master,disconnected", false, false, false, false)]
    [InlineData("s_down,o_down,master,failover_in_progress", false, true, true, true)]
    [InlineData("master,failover_in_progress,force_failover", false, false, false, true)]
    [InlineData("master,failover_in_progress,force_failover,coordinated_failover", false, false, false, true)]
    [InlineData("master,master_reboot", false, false, false, false)]
    [InlineData("master,script_kill_sent", false, false, false, false)]
    [InlineData("slave", false, false, false, false)]
    [InlineData("not_master", false, false, false, false)]
    [InlineData("", false, false, false, false)]
    public void Of_a_master(string flags, bool isHealthy, bool isSubjectivelyDown, bool isObjectivelyDown, bool isFailingOver)
    {
        var master = new SentinelMaster { Address = At, Flags = flags, RoleReported = "master" };
        Assert.Equal(
            (isHealthy, isSubjectivelyDown, isObjectivelyDown, isFailingOver),
            (master.Healthy, master.SubjectivelyDown, master.ObjectivelyDown, master.FailoverInProgress));
        Assert.False((master with { RoleReported = "slave" }).Healthy);
    }

    [Theory]
    [InlineData("slave", true, false, false)]
    [InlineData("slave,some_new_flag", true, false, false)]
    [InlineData("slave,master_link_flag", true, false, false)]
    [InlineData("s_down,slave", false, true, false)]
    [InlineData("slave,disconnected", false, true, false)]
    [InlineData("s_down,o_down,slave,disconnected", false, true, false)]
    [InlineData("slave,promoted", false, false, true)]
    [InlineData("slave,reconf_sent", false, false, false)]
    [InlineData("slave,reconf_inprog", false, false, false)]
    [InlineData("slave,reconf_done", false, false, false)]
    [InlineData("slave,script_kill_sent", false, false, false)]
    [InlineData("master", false, false, false)]
    public void Of_a_replica(string flags, bool isLinked, bool isDown, bool isChosen)
    {
        var replica = new SentinelReplica { Address = At, Flags = flags, MasterLinkStatus = "ok", Priority = 1 };
        Assert.Equal((isLinked, isDown, isChosen, !isDown), (replica.Linked, replica.Down, replica.Chosen, replica.Promotable));
        Assert.False((replica with { MasterLinkStatus = "err" }).Linked);
    }

    [Theory]
    [InlineData("sentinel", true, false)]
    [InlineData("sentinel,master_down", true, false)]
    [InlineData("master_down,sentinel", true, false)]
    [InlineData("sentinel,some_new_flag", true, false)]
    [InlineData("s_down,sentinel", false, true)]
    [InlineData("s_down,sentinel,master_down", false, true)]
    [InlineData("sentinel,disconnected", false, true)]
    [InlineData("s_down,o_down,sentinel", false, true)]
    [InlineData("", false, false)]
    public void Of_a_peer(string flags, bool isAlive, bool isDown)
    {
        var peer = new SentinelPeer { Address = At, MyId = new string('a', 40), Flags = flags };
        Assert.Equal((isAlive, isDown), (peer.Alive, peer.Down));
    }
}
