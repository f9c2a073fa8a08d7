namespace Sidecars.Failover.Decisions;

/// <summary>Takes what the loops decide and do; the host logs changes and counts. Never throws.</summary>
public interface IDecisionSink
{
    /// <summary>A decision, made again and again.</summary>
    /// <param name="loop">Who decided: <c>publish</c>, <c>fence</c>, <c>death</c>.</param>
    /// <param name="code">Stable code.</param>
    /// <param name="reason">In words.</param>
    /// <param name="isRefusal">True where something that may be due is not done for lack of evidence.</param>
    /// <param name="snapshot">The facts as JSON; asked for only where the line is written.</param>
    void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot);

    /// <summary>Something was done, or failed to be.</summary>
    /// <param name="loop">Who.</param>
    /// <param name="code">What.</param>
    /// <param name="detail">In words.</param>
    /// <param name="failure">Why it failed; null: it was done.</param>
    void Acted(string loop, string code, string detail, string? failure);
}
