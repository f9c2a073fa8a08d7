namespace Sidecars.Core.Lineage;

/// <summary>Why a file could not be read as what it should be.</summary>
public enum FileFaultKind
{
    /// <summary>Nothing has been read yet; never reported by a reader.</summary>
    NotRead,

    /// <summary>Ends in the middle: a write was interrupted.</summary>
    Torn,

    /// <summary>Not the format it should be (foreign JSON, another magic, a value out of range).</summary>
    WrongFormat,

    /// <summary>A part that must be known has another type or is missing.</summary>
    WrongType,

    /// <summary>More bytes than the reader's bound.</summary>
    TooLarge,

    /// <summary>Well-formed, but uses what this reader does not read (a compressed string, an unknown length encoding).</summary>
    Unsupported,

    /// <summary>The operating system refused: permission, I/O error, a directory in place of a file.</summary>
    Io,
}

/// <summary>A typed failure of a reader.</summary>
/// <param name="Kind">What went wrong, for machines.</param>
/// <param name="Detail">What went wrong, for people; never content of the dataset.</param>
public readonly record struct FileFault(FileFaultKind Kind, string Detail)
{
    /// <summary>True for the exceptions by which .NET reports that the operating system refused.</summary>
    internal static bool IsIo(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>The fault for an exception of the operating system.</summary>
    internal static FileFault Of(Exception error) => new(FileFaultKind.Io, error.Message);

    /// <summary><c>kind: detail</c>.</summary>
    public override string ToString() => $"{Kind}: {Detail}";
}

/// <summary>How a fact stands. Unreadable is the default: what nobody looked at is not absent.</summary>
public enum FactState
{
    /// <summary>It may be there; it could not be read.</summary>
    Unreadable,

    /// <summary>It was looked for and is not there.</summary>
    Absent,

    /// <summary>It was read.</summary>
    Known,
}

/// <summary>One fact about a disk: known, absent or unreadable with the reason. Never a bare null.</summary>
/// <typeparam name="T">What is known.</typeparam>
public readonly record struct DiskFact<T>
    where T : class
{
    private readonly FileFault _fault;

    private DiskFact(FactState state, T? value, FileFault fault) => (State, Value, _fault) = (state, value, fault);

    /// <summary>Known, absent or unreadable.</summary>
    public FactState State { get; }

    /// <summary>The value; null unless known.</summary>
    public T? Value { get; }

    /// <summary>Why it is unreadable; <see cref="FileFaultKind.NotRead"/> otherwise.</summary>
    public FileFault Fault => _fault.Detail is null ? new FileFault(FileFaultKind.NotRead, "not read") : _fault;

    /// <summary>True where <see cref="Value"/> holds.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Value))]
    public bool IsKnown => State == FactState.Known;

#pragma warning disable CA1000 // A fact is made of its type: DiskFact<Marker>.Absent reads as what it is.
    /// <summary>Looked for, not there.</summary>
    public static DiskFact<T> Absent => new(FactState.Absent, null, default);

    /// <summary>Holds a value that was read.</summary>
    public static DiskFact<T> Known(T value) => new(FactState.Known, value, default);

    /// <summary>Creates a fact about a file that is there, or perhaps there, and can't be read.</summary>
    public static DiskFact<T> Unreadable(FileFault fault) => new(FactState.Unreadable, null, fault);
#pragma warning restore CA1000

    /// <summary>The same fact about another thing: a value is read further, absence and faults pass through.</summary>
    /// <typeparam name="TNext">What the value becomes.</typeparam>
    public DiskFact<TNext> Then<TNext>(Func<T, DiskFact<TNext>> next)
        where TNext : class => State switch
        {
            FactState.Known => next(Value!),
            FactState.Absent => DiskFact<TNext>.Absent,
            _ => DiskFact<TNext>.Unreadable(Fault),
        };

    /// <summary>The value, <c>absent</c>, or the fault.</summary>
    public override string ToString() =>
        State switch { FactState.Known => Value!.ToString() ?? "", FactState.Absent => "absent", _ => Fault.ToString() };
}
