using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A group whose Redis speaks TLS and demands a client certificate, as with the component tls-secret.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task A_Redis_that_demands_certificates_is_backed_up_and_its_backup_verified()
    {
        using var folder = new TempFolder("tls");
        using var authority = new TestAuthority(folder, "ca");
        var (certificate, key) = authority.Issue("server");
        var endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        await using var rig = await BackupRig.StartAsync(
            $"tls-port {endpoint.Port}", $"tls-cert-file {certificate}", $"tls-key-file {key}",
            $"tls-ca-cert-file {authority.CaFile}", "tls-auth-clients yes");
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "before", "1");
        var (own, ownKey) = authority.Issue("client");
        await using var sidecar = await BackupRig.StartSidecarAsync(endpoint, rig.Redis.Folder, rig.StorePath, "redis-0",
            [("TLS_CA_FILE", authority.CaFile), ("TLS_CERT_FILE", own), ("TLS_KEY_FILE", ownKey), ("TLS_SERVER_NAME", "redis.test")]);

        // The upload needs the server's word: its role, and BGREWRITEAOF.
        await rig.WaitForBackupsAsync(1);
        await BackupRig.CallAsync(client, "SET", "after", "1");
        await rig.WaitUntilCoveredAsync();

        // As the jobs have it: the shared settings name certificates, theirs are empty.
        (await rig.RunAsync([("TLS_CA_FILE", ""), ("TLS_CERT_FILE", ""), ("TLS_KEY_FILE", ""), ("TLS_SERVER_NAME", "redis")], "verify"))
            .Succeeded();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        Assert.Equal(0, await sidecar.TerminateAsync());
    }

    [Fact]
    public async Task A_certificate_that_is_not_there_is_named_before_anything_is_done()
    {
        await using var rig = await BackupRig.StartAsync();

        var result = await rig.RunAsync([("TLS_CA_FILE", "/etc/redis-tls/ca.crt")], "verify");

        Assert.Equal(ExitCode.WrongConfiguration, result.ExitCode);
        Assert.Contains("TLS_CA_FILE", result.Output, StringComparison.Ordinal);
    }
}
