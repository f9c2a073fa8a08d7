namespace Sidecars.Chart;

/// <summary>A node of a template. Where it may be absent, its <see cref="Entry"/> says when it is there.</summary>
internal abstract record Part;

/// <summary>A scalar, with other text where a condition holds.</summary>
/// <param name="Text">What it is otherwise.</param>
/// <param name="IsText">True where YAML would take the plain text for something else than a text.</param>
internal sealed record ScalarPart(string Text, bool IsText) : Part
{
    /// <summary>The condition of <see cref="Then"/>; null where there is one text only.</summary>
    public string? If { get; init; }

    public ScalarPart? Then { get; init; }
}

/// <summary>Text of a template's own: a line behind its key, or lines indented as the node in whose place they are.</summary>
internal sealed record RawPart(string Lines) : Part;

/// <summary>Keys in the order of the render.</summary>
internal sealed record MapPart(IReadOnlyList<Entry> Entries) : Part;

/// <summary>Items in the order of the render; they have no key.</summary>
internal sealed record ListPart(IReadOnlyList<Entry> Entries) : Part;

/// <summary>A member of a map or an item of a list.</summary>
/// <param name="Key">Empty for an item.</param>
/// <param name="If">When it is there; null for always.</param>
/// <param name="Value">The node.</param>
internal sealed record Entry(string Key, string? If, Part Value);
