using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>What a person said about whose data count; a closed set.</summary>
public enum PersonsWordKind
{
    /// <summary><c>redis-bootstrap allow-empty</c>: start although every disk is empty.</summary>
    AllowEmpty,

    /// <summary><c>UNCLEAN_ELECTION_AFTER</c>: go on without a disk that may hold newer data.</summary>
    Unclean,

    /// <summary>A backup was restored: by hand, for a clone, or by <c>RESTORE_ON_EMPTY</c>.</summary>
    Restore,

    /// <summary>The data of another installation were put on the disk.</summary>
    Adopt,

    /// <summary><c>redis-bootstrap trust NODE</c>: the data of this node are the group's.</summary>
    Trust,
}

/// <summary>
/// The last term that began by a person's word. Data accepted in an earlier term may be replaced (after a rescue) although no
/// history says that the master ever had them: the person knew of such data, or decided to go on without them.
/// </summary>
/// <param name="Kind">What was said.</param>
/// <param name="Node">The node whose data, or whose empty disk, the group went on with.</param>
/// <param name="Term">The term that began with it.</param>
public sealed record PersonsWord(PersonsWordKind Kind, string Node, long Term)
{
    private static readonly PersonsWordKind[] Kinds =
        [PersonsWordKind.AllowEmpty, PersonsWordKind.Unclean, PersonsWordKind.Restore, PersonsWordKind.Adopt, PersonsWordKind.Trust];

    /// <summary>True where it was said after <paramref name="token"/> was accepted.</summary>
    public bool Covers(FencingToken token) => token.Term < Term;

    /// <summary>For reasons that people read: <c>trust of redis-1, term 4</c>.</summary>
    public override string ToString() => $"{Text(Kind)} of {Node}, term {Term}";

    /// <summary>As the command or setting is called.</summary>
    public static string Text(PersonsWordKind kind) => kind switch
    {
        PersonsWordKind.AllowEmpty => "allow-empty",
        PersonsWordKind.Unclean => "unclean",
        PersonsWordKind.Restore => "restore",
        PersonsWordKind.Adopt => "adopt",
        _ => "trust",
    };

    /// <summary>Reads <see cref="Text"/>.</summary>
    public static bool TryParse(string text, out PersonsWordKind kind)
    {
        foreach (var one in Kinds)
        {
            kind = one;
            if (Text(one) == text) return true;
        }

        kind = default;
        return false;
    }
}
