namespace Sidecars.Probe;

/// <summary>Reads the settings of TLS. What it gives secures a connected stream to a host; null: plain connections.</summary>
/// <param name="setting">A variable by its name; null where it is not set.</param>
/// <param name="errors">One sentence for each mistake.</param>
internal delegate Func<Stream, string, Stream>? ProbeSecurity(Func<string, string?> setting, List<string> errors);
