using Sidecars.Core.Election;

namespace Sidecars.Bootstrap;

/// <summary>Names of the data files, as the base configuration sets them.</summary>
internal sealed record DataFileNames(string RdbFile = "dump.rdb", string AppendDirectory = "appendonlydir", string AppendFile = "appendonly.aof");
