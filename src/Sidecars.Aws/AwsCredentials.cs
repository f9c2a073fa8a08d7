using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Amazon.RuntimeDependencies;
using Amazon.SecurityToken;

namespace Sidecars.Aws;

/// <summary>Credentials as a source gave them.</summary>
/// <param name="Keys">What requests are signed with.</param>
/// <param name="Expiration">Null: the source names none.</param>
/// <param name="IsRefreshedBySource">
/// The source is one that knows when its credentials end. The others (environment, files, instance metadata) name no end even of a session.
/// </param>
public sealed record ResolvedCredentials(ImmutableCredentials Keys, DateTimeOffset? Expiration, bool IsRefreshedBySource)
{
    // A credential_process without "Expiration" gets DateTime.MaxValue from the SDK; no session lasts longer than 36 hours.
    private static readonly DateTime Never = DateTime.MaxValue.AddYears(-1);

    /// <summary>Asks a source of the SDK.</summary>
    public static async Task<ResolvedCredentials> OfAsync(AWSCredentials source)
    {
        var keys = await source.GetCredentialsAsync().ConfigureAwait(false);
        DateTimeOffset? expiration = source.Expiration is { } end && end < Never ? new DateTimeOffset(end.ToUniversalTime()) : null;
        return new ResolvedCredentials(keys, expiration, source is RefreshingAWSCredentials);
    }
}

/// <summary>
/// Credentials from where AWS' own tools look: environment, IRSA, shared files with <c>credential_process</c>, container credentials
/// (EKS Pod Identity, ECS), instance metadata.
/// </summary>
public static class AwsCredentials
{
    private static int _registered;

    /// <summary>
    /// Walks the chain from its start and asks the first source that has any. The SDK's own resolver remembers what it found and, where
    /// that came from a file, notices only what the file system announces: not the link that a mounted Secret is replaced by.
    /// </summary>
    /// <exception cref="Exception">No source has any, or the first one failed: of whatever type.</exception>
    public static async Task<ResolvedCredentials> ResolveAsync(CancellationToken cancellation)
    {
        // IRSA calls STS, which the SDK would look up by reflection: without this it fails in a native executable, at run time.
        if (Interlocked.Exchange(ref _registered, 1) == 0)
        {
            GlobalRuntimeDependencyRegistry.Instance.RegisterSecurityTokenServiceClient(context =>
                new AmazonSecurityTokenServiceClient(new AnonymousAWSCredentials(), context.SecurityTokenServiceClientContextData.Region));
        }

        using var chain = new DefaultAWSCredentialsIdentityResolver();
        var source = await chain.ResolveIdentityAsync(null, cancellation).ConfigureAwait(false);
        return await ResolvedCredentials.OfAsync(source).ConfigureAwait(false);
    }
}
