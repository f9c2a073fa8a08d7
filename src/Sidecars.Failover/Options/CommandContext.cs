using Sidecars.Core.Hosting;

namespace Sidecars.Failover.Options;

/// <summary>What every command is given.</summary>
/// <param name="Options">Null where settings are wrong: <see cref="WithAsync"/> says which.</param>
/// <param name="Settings">For the mistakes.</param>
/// <param name="Publishing">Likewise: listed beside the others, and by themselves no reason to end.</param>
/// <param name="Output">Standard output; flushed by the command that writes to it.</param>
/// <param name="Error">Standard error.</param>
/// <param name="Signals">SIGTERM and SIGINT.</param>
internal sealed record CommandContext(
    FailoverOptions? Options, SettingReader Settings, SettingReader Publishing, TextWriter Output, TextWriter Error, SignalScope Signals)
{
    /// <summary>Runs an action that needs settings; with wrong ones it lists all mistakes and is exit code 2.</summary>
    public async Task<int> WithAsync(Func<FailoverOptions, Task<int>> action)
    {
        if (Options is not null) return await action(Options).ConfigureAwait(false);
        foreach (var mistake in Settings.Errors.Concat(Publishing.Errors)) await Error.WriteLineAsync(mistake).ConfigureAwait(false);
        await Error.WriteLineAsync("'redis-failover --help' lists every setting.").ConfigureAwait(false);
        return ExitCode.WrongConfiguration;
    }
}
