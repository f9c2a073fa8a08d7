using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Amazon.RuntimeDependencies;
using Amazon.SecurityToken;

namespace Sidecars.Aws;

/// <summary>
/// Credentials from where AWS' own tools look: environment, shared files, IRSA, EKS Pod Identity, instance metadata. They are
/// resolved anew, and rotate by themselves, with each request that is signed.
/// </summary>
public static class AwsCredentials
{
    private static int _registered;

    /// <summary>The first source that has any.</summary>
    /// <exception cref="AmazonClientException">None has.</exception>
    public static Task<AWSCredentials> FindAsync()
    {
        // IRSA calls STS, which the SDK would look up by reflection: without this it fails in a native executable, at run time.
        if (Interlocked.Exchange(ref _registered, 1) == 0)
        {
            GlobalRuntimeDependencyRegistry.Instance.RegisterSecurityTokenServiceClient(context =>
                new AmazonSecurityTokenServiceClient(new AnonymousAWSCredentials(), context.SecurityTokenServiceClientContextData.Region));
        }

        return DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync();
    }
}
