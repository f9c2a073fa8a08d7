namespace Sidecars.Backup.Store;

/// <summary>
/// What a key may be: parts of <c>A-Z a-z 0-9 . _ -</c> that do not begin with a dot, joined by single slashes, at most 900 characters
/// (S3 takes 1024 bytes). So a key is also a safe relative path, and what begins with a dot is the directory store's own.
/// </summary>
public static class ObjectKey
{
    /// <summary>Longest key.</summary>
    public const int MaxLength = 900;

    /// <summary>Whether the text is a key.</summary>
    public static bool IsValid(string key) =>
        key.Length is > 0 and <= MaxLength && key.Split('/').All(IsPart);

    /// <summary>Whether the text is one part of a key.</summary>
    public static bool IsPart(string part) =>
        part.Length is > 0 and <= 255 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
