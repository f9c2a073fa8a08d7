namespace Sidecars.TestKit.FakeKubernetes;

/// <summary>What goes wrong with one request.</summary>
public abstract record Fault
{
    /// <summary>True: the server acts on the request before the answer goes wrong, as a real one can.</summary>
    public bool AfterActing { get; init; }

    /// <summary>An error status with a Status object.</summary>
    public sealed record Error(int Code, string Reason, int? RetryAfterSeconds = null) : Fault;

    /// <summary>No answer before <paramref name="Release"/> completes or the client goes away.</summary>
    public sealed record Slow(Task Release) : Fault;

    /// <summary>Acted on and answered as it should be, so much later.</summary>
    public sealed record Late(TimeSpan By) : Fault;

    /// <summary>Headers and the first bytes of the body, then the connection is reset.</summary>
    public sealed record CutMidBody : Fault;

    /// <summary>The connection is reset before any answer.</summary>
    public sealed record Reset : Fault;

    /// <summary>These bytes as a 200, whatever was asked.</summary>
    public sealed record Body(byte[] Bytes) : Fault;
}
