#pragma warning disable CA1416 // Linux only
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Passwords;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Passwords;

/// <summary>What files, ACL replies and fingerprints say.</summary>
public sealed class PasswordFileTests
{
    private static readonly ClusterId Cluster = ClusterId.TryParse("shop/cart", out var id) ? id : throw new InvalidOperationException();

    [Fact]
    public void A_previous_password_is_there_while_its_file_is()
    {
        var files = new Dictionary<string, string> { ["/auth/redis-password"] = "new", ["/auth/redis-password-previous"] = "old" };
        var variables = new Dictionary<string, string> { ["REDIS_PASSWORD_FILE"] = "/auth/redis-password" };
        var settings = new SettingReader(variables, (path, _) =>
            files.TryGetValue(path, out var text) ? System.Text.Encoding.UTF8.GetBytes(text) : throw new FileNotFoundException(path));

        var reading = GroupSettings.ReadPasswords(settings.Again());
        Assert.Equal(("new", "old"), (reading.Redis.Default!.Current.Value, reading.Redis.Sidecar!.Previous!.Value));
        Assert.True(PasswordWish.Of(Cluster, reading).HasPrevious);

        files.Remove("/auth/redis-password-previous");
        Assert.False(PasswordWish.Of(Cluster, GroupSettings.ReadPasswords(settings.Again())).HasPrevious);
        files["/auth/redis-password-previous"] = "";
        Assert.StartsWith("REDIS_PASSWORD_PREVIOUS_FILE", Assert.Single(GroupSettings.ReadPasswords(settings.Again()).Mistakes),
            StringComparison.Ordinal);
        files.Remove("/auth/redis-password");
        Assert.Equal(2, GroupSettings.ReadPasswords(settings.Again()).Mistakes.Length);
        Assert.Empty(settings.Errors);
    }

    [Fact]
    public void A_password_has_an_age_only_where_the_files_held_it()
    {
        using var folder = new TempFolder("passwords");
        var retired = new RetiredPasswords(folder.File("retired"));
        retired.Add([new(Secret.Of("old"), Secret.Of("older"))]);
        var wish = new WishedPassword(PasswordUser.Default, "default", new(Secret.Of("new"), Secret.Of("old")));
        var again = new RetiredPasswords(folder.File("retired"));
        Assert.Equal(
            [PasswordAge.Current, PasswordAge.Previous, PasswordAge.Retired, PasswordAge.Other],
            ((string[])["new", "old", "older", "newer"]).Select(p => wish.AgeOf(Secret.Of(p).Sha256Hex, again)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("retired")));
    }

    [Fact]
    public void What_another_process_held_is_known_too_and_nothing_of_it_is_lost()
    {
        using var folder = new TempFolder("passwords");
        var (sidecar, bootstrap) = (new RetiredPasswords(folder.File("retired")), new RetiredPasswords(folder.File("retired")));
        bootstrap.Add([new(Secret.Of("new"), Secret.Of("old"))]);
        Assert.False(sidecar.Contains(Secret.Of("old").Sha256Hex));
        sidecar.Refresh();
        Assert.True(sidecar.Contains(Secret.Of("old").Sha256Hex));
        bootstrap.Add([new(Secret.Of("newer"))]);
        sidecar.Add([new(Secret.Of("newest"))]);
        var again = new RetiredPasswords(folder.File("retired"));
        Assert.All((string[])["old", "new", "newer", "newest"], password => Assert.True(again.Contains(Secret.Of(password).Sha256Hex)));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("0\n\0\n")]
    public void A_damaged_memory_is_none(string text)
    {
        using var folder = new TempFolder("passwords");
        File.WriteAllText(folder.File("retired"), text);
        Assert.False(new RetiredPasswords(folder.File("retired")).Contains(text));
        File.WriteAllText(folder.File("retired"), new string('a', 100_000));
        Assert.False(new RetiredPasswords(folder.File("retired")).Contains(new string('a', 64)));
    }

    [Fact]
    public void A_fingerprint_tells_passwords_and_tenants_apart_and_says_no_more()
    {
        Assert.True(ClusterId.TryParse("shop/other", out var other));
        var fingerprint = PasswordFingerprint.Of(Cluster, Secret.Of("hush"));
        Assert.Matches("^[0-9a-f]{6}$", fingerprint);
        Assert.Equal(fingerprint, PasswordFingerprint.Of(Cluster, Secret.Of("hush")));
        Assert.NotEqual(fingerprint, PasswordFingerprint.Of(Cluster, Secret.Of("hush!")));
        Assert.NotEqual(fingerprint, PasswordFingerprint.Of(other, Secret.Of("hush")));
        Assert.False(Secret.Of("hush").Sha256Hex.Contains(fingerprint, StringComparison.Ordinal));
    }

    [Fact]
    public void Only_a_whole_ACL_GETUSER_is_read()
    {
        var hash = Secret.Of("x").Sha256Hex;
        Assert.True(AclUserReply.TryParse(Array("flags", Array("on"), "passwords", Array(hash)), out var user));
        Assert.False(user.TakesAny);
        Assert.Equal(hash, Assert.Single(user.Hashes));
        Assert.True(AclUserReply.TryParse(Array("flags", Array("on", "nopass"), "passwords", Array(), "commands", "+@all"), out user));
        Assert.True(user.TakesAny);
        Assert.All(
            [RespValue.Null, Text("x"), RespValue.Scalar(RespKind.Error, "NOPERM"u8.ToArray()), Array(), Array("flags", Array("on")),
                Array("flags", "on", "passwords", Array(hash)),
                Array("flags", Array("on"), "passwords", Array(hash.ToUpperInvariant())), Array("flags", Array("on"), "passwords")],
            reply => Assert.False(AclUserReply.TryParse(reply, out _)));
    }

    private static RespValue Array(params object[] items) =>
        RespValue.Aggregate(RespKind.Array, [.. items.Select(i => i as RespValue ?? Text((string)i))]);

    private static RespValue Text(string text) => RespValue.Scalar(RespKind.BulkString, System.Text.Encoding.UTF8.GetBytes(text));
}
