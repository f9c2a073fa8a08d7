using Sidecars.Core.Hosting;

namespace Sidecars.Failover.Options;

/// <summary>What every command is given.</summary>
/// <param name="Options">Null if a setting is wrong: <see cref="WithAsync"/> lists which.</param>
/// <param name="Settings">Holds the mistakes that end the command.</param>
/// <param name="Publishing">Holds the mistakes in publishing settings: they are listed too, but do not end a command by themselves.</param>
/// <param name="Output">Standard output; flushed by the command that writes to it.</param>
/// <param name="Error">Standard error.</param>
/// <param name="Signals">SIGTERM and SIGINT.</param>
internal sealed record CommandContext(
    FailoverOptions? Options, SettingReader Settings, SettingReader Publishing, TextWriter Output, TextWriter Error, SignalScope Signals)
{
    /// <summary>Runs an action that needs settings; if any is wrong, it lists all mistakes, and the exit code is 2.</summary>
    public async Task<int> WithAsync(Func<FailoverOptions, Task<int>> action)
    {
        if (Options is not null) return await action(Options).ConfigureAwait(false);
        foreach (var mistake in Settings.Errors.Concat(Publishing.Errors)) await Error.WriteLineAsync(mistake).ConfigureAwait(false);
        await Error.WriteLineAsync("'redis-failover --help' lists every setting.").ConfigureAwait(false);
        return ExitCode.WrongConfiguration;
    }
}
