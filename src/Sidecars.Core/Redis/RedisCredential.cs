namespace Sidecars.Core.Redis;

/// <summary>What AUTH takes. Several are tried in order, so that a password can be changed without a moment when none works.</summary>
/// <param name="User">ACL user; null for the password alone, which is the user <c>default</c> (and all that Redis before 6 knows).</param>
/// <param name="Password">The password; never printed.</param>
public sealed record RedisCredential(string? User, string Password)
{
    /// <summary>The user, without the password.</summary>
    public override string ToString() => $"user {User ?? "default"}";

    internal RespCommand ToCommand() => User is null ? RespCommand.Of("AUTH", Password) : RespCommand.Of("AUTH", User, Password);
}
