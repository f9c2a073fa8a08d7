using System.Diagnostics.CodeAnalysis;

namespace Sidecars.Core.Kubernetes;

/// <summary>The outcome of reading an object of ours.</summary>
/// <typeparam name="T">What it says.</typeparam>
public abstract record StoreRead<T>
{
    private StoreRead()
    {
    }

    /// <summary>Read and understood.</summary>
    public sealed record Found(T Value) : StoreRead<T>;

    /// <summary>There is none. Of the group's Lease: recreate it with the highest term of markers and DNS record, plus one.</summary>
    public sealed record Missing : StoreRead<T>;

    /// <summary>It is there, but says what can't be believed. Nothing may overwrite it unasked.</summary>
    public sealed record Invalid(AnnotationFault Fault) : StoreRead<T>;

    /// <summary>Nothing is known.</summary>
    public sealed record Unavailable(KubernetesFailure Failure) : StoreRead<T>;
}

/// <summary>The outcome of a compare-and-swap.</summary>
/// <typeparam name="T">What was written.</typeparam>
public abstract record StoreWrite<T>
{
    private StoreWrite()
    {
    }

    /// <summary>Written.</summary>
    public sealed record Written(T Value) : StoreWrite<T>;

    /// <summary>Not written: the object is no longer the one that was read. Read again and decide anew.</summary>
    public sealed record Lost(KubernetesFailure.Conflict Failure) : StoreWrite<T>;

    /// <summary>Not written, for another reason.</summary>
    public sealed record NotWritten(KubernetesFailure Failure) : StoreWrite<T>;

    /// <summary>Perhaps written. Read again before believing either.</summary>
    public sealed record OutcomeUnknown(KubernetesFailure Failure) : StoreWrite<T>;
}

/// <summary>What the API server answered, as the outcome for what a Lease says: one translation for every store.</summary>
internal static class StoreOutcome
{
    /// <summary>Reads what a Lease says; false with the fault.</summary>
    public delegate bool Reader<T>(LeaseDocument lease, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out AnnotationFault? fault)
        where T : class;

    /// <summary>Converts the outcome of a read.</summary>
    public static StoreRead<T> Of<T>(KubernetesRead<LeaseDocument> answer, Reader<T> read)
        where T : class => answer switch
        {
            KubernetesRead<LeaseDocument>.Found found => read(found.Document, out var value, out var fault)
                ? new StoreRead<T>.Found(value)
                : new StoreRead<T>.Invalid(fault),
            KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound } => new StoreRead<T>.Missing(),
            KubernetesRead<LeaseDocument>.Failed failed => new StoreRead<T>.Unavailable(failed.Failure),
            _ => throw new InvalidOperationException($"unknown outcome {answer}"),
        };

    /// <summary>
    /// The outcome of a write; <paramref name="stored"/> reads what the server stored, null where that is not what was sent.
    /// </summary>
    public static StoreWrite<T> Of<T>(KubernetesWrite<LeaseDocument> answer, Func<LeaseDocument, T?> stored)
        where T : class => answer switch
        {
            KubernetesWrite<LeaseDocument>.Written written => stored(written.Document) is { } value
                ? new StoreWrite<T>.Written(value)
                // An admission webhook may have changed what we sent.
                : new StoreWrite<T>.OutcomeUnknown(new KubernetesFailure.Malformed("the Lease was written, but is not what was sent")),
            KubernetesWrite<LeaseDocument>.NotWritten { Failure: KubernetesFailure.Conflict conflict } => new StoreWrite<T>.Lost(conflict),
            KubernetesWrite<LeaseDocument>.NotWritten no => new StoreWrite<T>.NotWritten(no.Failure),
            KubernetesWrite<LeaseDocument>.OutcomeUnknown unknown => new StoreWrite<T>.OutcomeUnknown(unknown.Failure),
            _ => throw new InvalidOperationException($"unknown outcome {answer}"),
        };
}
