using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Watch;

/// <summary>What is known of the server beside this process. Closed.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Answers), "answers")]
[JsonDerivedType(typeof(Silent), "silent")]
[JsonDerivedType(typeof(Dead), "dead")]
public abstract record OwnServer
{
    private OwnServer()
    {
    }

    /// <summary>It answered on a new connection.</summary>
    public sealed record Answers : OwnServer
    {
        /// <summary>Identity of the process, 40 hex digits.</summary>
        public required string RunId { get; init; }

        /// <summary>It says ROLE master.</summary>
        public required bool IsMaster { get; init; }

        /// <summary>It reads its data from disk: no client is served yet.</summary>
        public bool IsLoading { get; init; }

        /// <summary>A replica's master.</summary>
        public RedisEndpoint? MasterAddress { get; init; }

        /// <summary>A replica's link is up.</summary>
        public bool IsLinkUp { get; init; }

        /// <summary>A master's replicas that acknowledged within the lag that counts for <c>min-replicas</c>.</summary>
        public int FreshReplicas { get; init; }

        /// <summary>Of those, how long the most silent one has been so, seconds rounded down; 0 without any.</summary>
        public long ReplicaLag { get; init; }

        /// <summary><c>min-replicas-to-write</c>; null: not read.</summary>
        public long? MinReplicas { get; init; }

        /// <summary><c>min-replicas-max-lag</c>, seconds; null: not read.</summary>
        public long? MaxLag { get; init; }

        /// <summary>
        /// The address that it announces (<c>replica-announce-ip</c>, <c>replica-announce-port</c>); null: none, or not read.
        /// </summary>
        public RedisEndpoint? Announced { get; init; }

        /// <summary><c>process_id</c>, in the PID namespace of the server; null: not read.</summary>
        public int? ProcessId { get; init; }

        /// <summary><c>used_memory_rss</c>, bytes; null: not read.</summary>
        public long? ResidentBytes { get; init; }

        /// <summary>Takes the answers from a look at the server.</summary>
        /// <param name="look">What it said.</param>
        /// <param name="freshLag">Seconds within which a replica must have acknowledged to count.</param>
        public static Answers Of(NodeLook look, int freshLag)
        {
            ArgumentNullException.ThrowIfNull(look);
            var fresh = look.Info.Replicas.Where(r => r.State == "online" && r.LagSeconds <= freshLag)
                .Select(r => r.LagSeconds ?? 0).ToList();
            return new Answers
            {
                RunId = look.RunId,
                IsMaster = look.Role == NodeRole.Master,
                IsLoading = look.Loading,
                MasterAddress = look.MasterAddress,
                IsLinkUp = look.MasterLinkUp,
                FreshReplicas = fresh.Count,
                ReplicaLag = fresh.DefaultIfEmpty(0).Max(),
                MinReplicas = look.MinReplicas,
                MaxLag = look.MaxLag,
                // A name is not an identity: Sentinels show addresses.
                Announced = look.Announced is { IsAddress: true } address ? address : null,
                ProcessId = look.Info.ProcessId,
                ResidentBytes = look.Info.UsedMemoryRss,
            };
        }
    }

    /// <summary>
    /// Unknown: it hangs, refuses the login, was never reached. A stopped process and a full backlog look like this; it is not death.
    /// </summary>
    public sealed record Silent(string Why) : OwnServer;

    /// <summary>
    /// A connection to it ended and its port refuses new ones, on the loopback of the same pod: the process is gone. Or the kernel says
    /// that it ends (<see cref="OwnProcess"/>).
    /// </summary>
    /// <param name="RunId">Of the process that died.</param>
    /// <param name="WasMaster">What it was when it last answered.</param>
    /// <param name="HoldsConnections">
    /// Its connections are still open: only the kernel shows the death, and no replica reads an end soon.
    /// </param>
    public sealed record Dead(string RunId, bool WasMaster, bool HoldsConnections = false) : OwnServer;
}
