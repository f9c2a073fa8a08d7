using System.Collections.Immutable;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// Asks and sets the users of one server, each time on a new connection. IO only. Current passwords are tried by a real login, but
/// only where they are listed: a refused one would stand in the server's ACL LOG, and alert people.
/// </summary>
/// <param name="transport">Makes the transport to an address.</param>
/// <param name="options">Credentials of the sidecars, and deadlines.</param>
/// <param name="masterName">The name that Sentinels monitor.</param>
public sealed class PasswordClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options, string masterName)
{
    /// <summary>Looks at a Redis; never throws for what a server does.</summary>
    public Task<ServerPasswords> LookAtRedisAsync(
        RedisEndpoint endpoint, PasswordWish wish, RetiredPasswords retired, CancellationToken cancellation) =>
        LookAsync(endpoint, wish.OnRedis, PasswordUser.Replication, RespCommand.Of("CONFIG", "GET", "masterauth"), retired, cancellation);

    /// <summary>Looks at a Sentinel; never throws for what a server does.</summary>
    public Task<ServerPasswords> LookAtSentinelAsync(
        RedisEndpoint endpoint, PasswordWish wish, RetiredPasswords retired, CancellationToken cancellation) =>
        LookAsync(endpoint, wish.OnSentinel, PasswordUser.Sentinel, RespCommand.Of("SENTINEL", "CONFIG", "GET", "sentinel-pass"),
            retired, cancellation);

    /// <summary>Adds current passwords to users that exist. Null where it is done, else why not.</summary>
    public Task<string?> AcceptAsync(
        RedisEndpoint endpoint, IEnumerable<WishedPassword> users, bool isSentinel, CancellationToken cancellation) =>
        SetAsync(endpoint, users.Select(u => RespCommand.Of("ACL", "SETUSER", u.Name, "#" + u.Secret.Current.Sha256Hex)),
            isSentinel, cancellation);

    /// <summary>Takes away those passwords of users that are retired. Null where it is done, else why not.</summary>
    public async Task<string?> DropAsync(RedisEndpoint endpoint, IReadOnlyCollection<WishedPassword> users, RetiredPasswords retired,
        bool isSentinel, CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var commands = new List<RespCommand>();
                foreach (var user in users)
                {
                    if (!AclUserReply.TryParse(
                        await client.CallAsync(cancellation, "ACL", "GETUSER", user.Name).ConfigureAwait(false), out var listed))
                        return $"{user.Name} can't be read";
                    // Never the last one: a user without a password that works can't be told from one that was locked out on purpose.
                    if (!listed.Hashes.Contains(user.Secret.Current.Sha256Hex)) return $"{user.Name} does not accept the current password";
                    var old = listed.Hashes.Where(hash => user.AgeOf(hash, retired) == PasswordAge.Retired)
                        .Select(hash => "!" + hash).ToArray();
                    if (old.Length > 0) commands.Add(RespCommand.Of(["ACL", "SETUSER", user.Name, .. old]));
                }

                return await SendAsync(client, commands, isSentinel, cancellation).ConfigureAwait(false);
            }
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    /// <summary>
    /// Makes a Redis log in to its masters with this password; the link that it has stays up. Null where it is done, else why not.
    /// </summary>
    public Task<string?> ReplicateWithAsync(RedisEndpoint endpoint, Secret password, CancellationToken cancellation) =>
        SetAsync(endpoint, [RespCommand.Of("CONFIG", "SET", "masterauth", password.Value)], isSentinel: true, cancellation);

    /// <summary>
    /// Makes a Sentinel log in to Redis and to other Sentinels with this password; it drops its connections for that, and has them again
    /// within a second. The password for Sentinels is set last: it alone can be read back, and so stands for both.
    /// </summary>
    public async Task<string?> SentinelLoginAsync(RedisEndpoint endpoint, Secret password, CancellationToken cancellation) =>
        await SetAsync(endpoint, [RespCommand.Of("SENTINEL", "SET", masterName, "auth-pass", password.Value)], isSentinel: true,
            cancellation).ConfigureAwait(false)
        ?? await SetAsync(endpoint, [RespCommand.Of("SENTINEL", "CONFIG", "SET", "sentinel-pass", password.Value)], isSentinel: true,
            cancellation).ConfigureAwait(false);

    /// <summary>Logs in once. Null where it worked, else why not.</summary>
    public async Task<string?> TryLoginAsync(RedisEndpoint endpoint, string user, Secret password, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint),
                options with { Credentials = [new RedisCredential(user, password.Value)] }, cancellation).ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    private async Task<ServerPasswords> LookAsync(
        RedisEndpoint endpoint, ImmutableArray<WishedPassword> wish, PasswordUser sender, RespCommand sends, RetiredPasswords retired,
        CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var replies = await client.PipelineAsync(
                    [RespCommand.Of("INFO"), sends, .. wish.Select(u => RespCommand.Of("ACL", "GETUSER", u.Name))],
                    cancellation).ConfigureAwait(false);
                var process = sender == PasswordUser.Replication ? Redis(endpoint, replies[0]) : Sentinel(endpoint, replies[0]);
                if (process is not ServerPasswords.Known known) return process;
                var users = ImmutableArray.CreateBuilder<AcceptedPasswords>();
                for (var i = 0; i < wish.Length; i++)
                {
                    if (!AclUserReply.TryParse(replies[2 + i], out var listed))
                        return new ServerPasswords.Unknown(endpoint, $"its user {wish[i].Name} can't be read");
                    if (listed.TakesAny)
                        return new ServerPasswords.Unknown(
                            endpoint, $"its user {wish[i].Name} takes any password: a first one needs a restart");
                    users.Add(Accepted(wish[i], listed, retired));
                }

                if (AgeOf(replies[1], wish.FirstOrDefault(u => u.User == sender), retired) is not { } age)
                    return new ServerPasswords.Unknown(endpoint, "what it logs in with can't be read");
                // Last, since each login makes this connection another user's.
                await TryCurrentAsync(client, wish, users, cancellation).ConfigureAwait(false);
                return known with { Users = users.ToImmutable(), Sends = age };
            }
        }
        catch (RedisConnectionException e)
        {
            return new ServerPasswords.Unknown(endpoint, e.Message);
        }
    }

    // Its passwords are filled in by the caller.
    private static ServerPasswords Redis(RedisEndpoint endpoint, RespValue info)
    {
        var (look, why, _) = NodeLook.Of(info, settingsReply: null);
        return look is null
            ? new ServerPasswords.Unknown(endpoint, why)
            : new ServerPasswords.Known(endpoint, look.RunId, [], PasswordAge.Other)
            { IsMaster = look.Role == NodeRole.Master, Master = look.MasterAddress, IsLinkUp = look.MasterLinkUp };
    }

    private static ServerPasswords Sentinel(RedisEndpoint endpoint, RespValue info) =>
        InfoReply.TryParse(info, out var said) && said.RunId is { Length: NodeLook.RunIdLength } runId
            ? new ServerPasswords.Known(endpoint, runId, [], PasswordAge.Other)
            : new ServerPasswords.Unknown(endpoint, "its INFO can't be read");

    private static async Task TryCurrentAsync(RedisClient client, ImmutableArray<WishedPassword> wish,
        ImmutableArray<AcceptedPasswords>.Builder users, CancellationToken cancellation)
    {
        for (var i = 0; i < wish.Length; i++)
        {
            if (!users[i].Current) continue;
            var reply = await client.CallAsync(cancellation, "AUTH", wish[i].Name, wish[i].Secret.Current.Value).ConfigureAwait(false);
            users[i] = users[i] with { Current = reply is { IsError: false, Text: "OK" } };
        }
    }

    private static AcceptedPasswords Accepted(WishedPassword wish, AclUserReply listed, RetiredPasswords retired)
    {
        var ages = listed.Hashes.Select(hash => wish.AgeOf(hash, retired)).ToHashSet();
        return new AcceptedPasswords(
            wish.User, ages.Contains(PasswordAge.Current), ages.Contains(PasswordAge.Previous), ages.Contains(PasswordAge.Retired));
    }

    // A group without passwords sends its users' names, which never change.
    private static PasswordAge? AgeOf(RespValue config, WishedPassword? wish, RetiredPasswords retired)
    {
        if (config.IsError || config.Items.Count != 2) return null;
        if (wish is null) return PasswordAge.Current;
        return Secret.TryParse(config.Items[1].Bytes.Span, out var secret, out _)
            ? wish.AgeOf(secret.Sha256Hex, retired)
            : PasswordAge.Other;
    }

    private async Task<string?> SetAsync(
        RedisEndpoint endpoint, IEnumerable<RespCommand> commands, bool isSentinel, CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
                return await SendAsync(client, [.. commands], isSentinel, cancellation).ConfigureAwait(false);
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    private static async Task<string?> SendAsync(
        RedisClient client, List<RespCommand> commands, bool isSentinel, CancellationToken cancellation)
    {
        foreach (var command in commands)
        {
            var reply = await client.CallAsync(command, cancellation).ConfigureAwait(false);
            // Redis may quote an argument in an error; the code says enough.
            if (reply is not { IsError: false, Text: "OK" })
                return $"{command} is refused with {(reply.IsError ? reply.ErrorCode : reply.Kind.ToString())}";
        }

        if (isSentinel || commands.Count == 0) return null;
        // Users of an ACL file are written back by ACL SAVE only; CONFIG REWRITE, Sentinel's included, writes the others.
        var file = await client.CallAsync(cancellation, "CONFIG", "GET", "aclfile").ConfigureAwait(false);
        if (file.Items is not [_, { Bytes.Length: > 0 }]) return null;
        var saved = await client.CallAsync(cancellation, "ACL", "SAVE").ConfigureAwait(false);
        return saved.IsError ? $"ACL SAVE: {saved.ErrorCode}" : null;
    }

    private Task<RedisClient> ConnectAsync(RedisEndpoint endpoint, CancellationToken cancellation) =>
        RedisClient.ConnectAsync(transport(endpoint), options, cancellation);
}
