#if !NET10_0_OR_GREATER
namespace Sidecars;

/// <summary>
/// <c>Select</c> of every namespace of ours, which the compiler takes before that of System.Linq: the same items, as lazily, by one
/// small iterator. In .NET 9 the one of System.Linq is a generic virtual method, so Native AOT compiles every kind of sequence for every
/// pair of a struct that is selected from anywhere and a struct that is selected anywhere: a fifth of an executable (docker/README.md).
/// .NET 10 has a switch instead: UseSizeOptimizedLinq in src/Executable.props.
/// </summary>
public static class SmallSelect
{
    /// <summary>What <paramref name="selector"/> makes of each item, in order, when it is asked for.</summary>
    public static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)
    {
        foreach (var item in source) yield return selector(item);
    }
}
#endif
