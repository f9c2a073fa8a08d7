using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Watch;

/// <summary>The server beside this process, for those who decide on it.</summary>
public interface IOwnServer
{
    /// <summary>Raised when role, process, death, address, impostor or the fence's value is another.</summary>
    Signal Changed { get; }

    /// <summary>
    /// Where the group finds the server: what it announces itself, as it last said; before that what it announced to an earlier process, or
    /// what its configured name resolved to. Null: not known yet.
    /// </summary>
    RedisEndpoint? Address { get; }

    /// <summary>The last look.</summary>
    OwnServer Last { get; }

    /// <summary>What it said when it last answered, however long ago; null: it never did.</summary>
    OwnServer.Answers? LastAnswer { get; }

    /// <summary>Time since it last answered; null: it never did.</summary>
    TimeSpan? AnsweredAgo { get; }

    /// <summary>True where another process was found at <see cref="Address"/>, as last seen.</summary>
    bool HasImpostor { get; }

    /// <summary>Looks now.</summary>
    Task<OwnServer> LookAsync(CancellationToken cancellation);

    /// <summary>What it answered last, where that is no older; null: it did not answer since.</summary>
    NodeLook? LookWithin(TimeSpan age);
}

/// <summary>What is learned of the server beside this process by other ways than its own answers.</summary>
public interface IOwnServerNotes : IOwnServer
{
    /// <summary>Takes what the configured name resolved to, where nothing better is known.</summary>
    void NoteResolved(RedisEndpoint address);

    /// <summary>Takes who answers on new connections at the announced address.</summary>
    /// <param name="hasImpostor">Another process than this server.</param>
    void NoteImpostor(bool hasImpostor);

    /// <summary>The kernel ends that process, whose connections may stand for a while yet.</summary>
    void NoteEnding(string runId);
}
