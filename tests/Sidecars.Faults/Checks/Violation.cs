namespace Sidecars.Faults.Checks;

/// <summary>An invariant that did not hold.</summary>
/// <param name="Invariant">I1 to I8.</param>
/// <param name="What">In words, with figures.</param>
internal sealed record Violation(string Invariant, string What)
{
    public override string ToString() => $"{Invariant}: {What}";
}
