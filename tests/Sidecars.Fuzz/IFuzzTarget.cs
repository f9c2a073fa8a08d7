namespace Sidecars.Fuzz;

/// <summary>
/// A reader of bytes that others wrote. To add one: a class in Targets/, and a line in <see cref="FuzzTargets"/>.
/// </summary>
public interface IFuzzTarget
{
    /// <summary>Name for <c>--target</c>.</summary>
    string Name { get; }

    /// <summary>Valid inputs (and near misses) that mutations start from; small, at least one.</summary>
    IReadOnlyList<byte[]> Corpus { get; }

    /// <summary>Words of the format that mutations put in.</summary>
    IReadOnlyList<byte[]> Words { get; }

    /// <summary>Bytes that reading an input of <paramref name="length"/> bytes may allocate at most.</summary>
    long AllocationBound(int length);

    /// <summary>
    /// Reads the input and touches the result. Any exception is a crash: a reader answers hostile bytes with a typed result.
    /// Throws <see cref="FuzzViolationException"/> where the result breaks a promise of the reader.
    /// </summary>
    void Run(byte[] input);
}

/// <summary>A result that breaks a promise.</summary>
public sealed class FuzzViolationException(string message) : Exception(message)
{
    /// <summary>Throws unless <paramref name="holds"/>.</summary>
    public static void Unless(bool holds, string promise)
    {
        if (!holds) throw new FuzzViolationException(promise);
    }
}
