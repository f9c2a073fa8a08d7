using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Amazon.RuntimeDependencies;
using Amazon.SecurityToken;
using Amazon.Util;

namespace Sidecars.Aws;

/// <summary>Credentials as a source gave them.</summary>
/// <param name="Keys">What requests are signed with.</param>
/// <param name="Expiration">Null: the source names none.</param>
/// <param name="IsRefreshedBySource">
/// The source is one that knows when its credentials end. The others (environment, files) name no end even of a session.
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
    // The SDK's source of instance metadata: internal, one for the process. A timer of its own fetches every two minutes, and until then it
    // answers with what it has, revoked or not; and it names no end.
    private const string KeptMetadata = "DefaultInstanceProfileAWSCredentials";

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
        var found = await ResolvedCredentials.OfAsync(source).ConfigureAwait(false);
        // Asked second, so that where nobody answers the SDK's own patience and words are what they were.
        return source.GetType().Name == KeptMetadata && OfMetadata() is { } now ? now : found;
    }

    // Null: nothing usable was said.
    private static ResolvedCredentials? OfMetadata()
    {
        var said = EC2InstanceMetadata.IAMSecurityCredentials?.Values.FirstOrDefault(role => !string.IsNullOrEmpty(role.AccessKeyId));
        if (said is null) return null;
        var keys = new ImmutableCredentials(said.AccessKeyId, said.SecretAccessKey, said.Token);
        // In an outage of its own EC2 repeats a session whose end is over, which services then accept: it has none that counts.
        var end = new DateTimeOffset(said.Expiration.ToUniversalTime());
        var hasEnded = end <= TimeProvider.System.GetUtcNow();
        return new ResolvedCredentials(keys, hasEnded ? null : end, IsRefreshedBySource: !hasEnded);
    }
}
