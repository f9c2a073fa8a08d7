using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A password is rotated under a running sidecar.</summary>
public class PasswordTests
{
    private const string User = "sidecar-tenant/redis";

    [Fact]
    public async Task A_changed_password_file_is_used_at_the_next_look_at_the_server()
    {
        await using var rig = await BackupRig.StartAsync($"user {User} on >first ~* &* +@all");
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        using var secrets = new TempFolder("secrets");
        var file = secrets.Write("password", "first");
        await using var sidecar = await rig.StartSidecarAsync(("SIDECAR_PASSWORD_FILE", file));
        await rig.WaitForBackupsAsync(1);
        await rig.WaitUntilCoveredAsync(); // nothing is covered by a look that could not log in

        await BackupRig.CallAsync(client, "ACL", "SETUSER", User, "resetpass", ">second");
        File.Delete(file); // for a moment it is not there
        await sidecar.WaitForLineAsync(line => line.Contains("passwords_unreadable", StringComparison.Ordinal), "it says so");
        secrets.Write("password", "second");
        await sidecar.WaitForLineAsync(line => line.Contains("passwords_read_again", StringComparison.Ordinal), "it has it");
        await BackupRig.CallAsync(client, "SET", "a", "1");
        await rig.WaitUntilCoveredAsync();
        Assert.DoesNotContain(sidecar.Output, line => line.Contains("lease_given_back", StringComparison.Ordinal));
        foreach (var secret in (string[])["\"first\"", "second\""])
            Assert.DoesNotContain(sidecar.Output, line => line.Contains(secret, StringComparison.Ordinal));
        Assert.Equal(0, await sidecar.TerminateAsync());
    }
}
