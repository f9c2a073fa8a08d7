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
