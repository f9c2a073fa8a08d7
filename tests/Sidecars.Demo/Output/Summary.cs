using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Output;

/// <summary>What is printed at the end.</summary>
internal static class Summary
{
    public static void Print(TextWriter output, Paint paint, Figures figures, int width)
    {
        output.WriteLine();
        foreach (var row in FigureTable.Rows(figures, paint, width)) output.WriteLine(row);
        output.WriteLine();
        output.WriteLine(
            $"{StateTable.Count(figures.AcknowledgedWrites)} writes acknowledged, {StateTable.Count(figures.LostWrites)} of them lost; "
                + $"{StateTable.Count(figures.RefusedWrites)} refused, {StateTable.Count(figures.UnansweredWrites)} without an answer");
        foreach (var reason in figures.Steps.Where(s => s is { MayLose: not null, LostWrites: > 0 }).GroupBy(s => s.MayLose))
            output.WriteLine($"{StateTable.Count(reason.Sum(s => s.LostWrites))} of the lost were {reason.Key}");
        output.WriteLine(figures.TwoMastersAccepted == 0
            ? "never did two masters accept writes"
            : paint.Bad($"two masters accepted writes {figures.TwoMastersAccepted} times"));
        foreach (var sentence in figures.Broken) output.WriteLine(paint.Bad("BROKEN: " + sentence));
        if (figures.Broken.Count == 0) output.WriteLine(paint.Good("all held"));
    }

    public static void PrintNext(TextWriter output, Paint paint) => output.WriteLine($"""

        {paint.Strong("Where to look next")}
          scripts/demo --keep            leaves the group running, with lines to paste
          scripts/demo --list            what else can go wrong
          manifests/docs/install.md      a tenant on Kubernetes
          manifests/docs/clients.md      how a client connects, and what a switch costs
          manifests/docs/status.md       what redis-failover status says, and what to do
          manifests/runbooks             one page for each alert
        """);

    /// <summary>The lines to paste.</summary>
    /// <param name="output">Stdout.</param>
    /// <param name="paint">Colors.</param>
    /// <param name="group">What runs on.</param>
    /// <param name="tenant">The same with the sidecars; null: it has none.</param>
    public static void PrintKept(TextWriter output, Paint paint, LocalGroup group, LocalTenant? tenant)
    {
        void Line(string what, string command) => output.WriteLine($"  {command}    {paint.Faint("# " + what)}");

        output.WriteLine();
        output.WriteLine(paint.Strong("The group runs on"));
        var sentinel = group.Sentinels[0].Endpoint.Port;
        Line("where the master is", $"redis-cli -p {sentinel} sentinel get-master-addr-by-name {group.Options.EffectiveMasterName}");
        foreach (var node in group.Redis) Line($"{node.Name}; log: {node.LogFile}", $"redis-cli -p {node.Endpoint.Port} role");
        if (tenant is not null)
        {
            var node = tenant.Record.Node() ?? group.Redis[0];
            var tools = ToolFolder.Write(tenant, node);
            Line($"the group at a glance, from {node.Name}, the master", $"{tools}/redis-failover status");
            Line("a planned step-down of that node", $"{tools}/redis-failover step-down");
            Line("the backups", $"{tools}/redis-backup list");
            Line("the published record", $"cat {tenant.Record.File}");
            Line("metrics of redis-failover", $"curl -s {tenant.SidecarsOf(node).FailoverMetrics}");
            Line("metrics of redis-backup", $"curl -s {tenant.SidecarsOf(node).BackupMetrics}");
        }

        Line("ends it and removes everything", "scripts/demo --stop");
    }
}
