namespace Sidecars.Probe;

/// <summary>Holds what <c>--help</c> prints, in 80 columns. A test compares it with the variables that are read.</summary>
internal static class ProbeHelp
{
    /// <param name="name">What the program calls itself.</param>
    public static string Of(string name) => $"""
        {name} looks at one Redis or Sentinel and says in one line what it saw
        and why it decides so.

        Usage:
          {name} startup|liveness|readiness [--role redis|sentinel]
          {name} --help | --version
          live_check.sh       (a link) liveness of Redis
          sentinel_check.sh   (a link) liveness of Sentinel

          startup     it has come up: any reply, loading too; redis-bootstrap that
                      waits; a Sentinel that knows its master
          liveness    it lives: any reply at all; redis-bootstrap that waits
          readiness   clients may come: a master that is neither fenced nor
                      contradicted by a majority of Sentinels; a replica whose link
                      is up, without a full copy under way; a Sentinel with a quorum

        Without --role: SENTINEL, then the configuration in CONFIG_DIR, then the
        server's own reply decide.

        Exit codes: 0 yes, 1 no, 2 wrong setting (all are listed).

        Settings (environment):

        Probe
          PROBE_TIMEOUT (duration, 10ms..1m), default 900ms
              Limit of the whole probe. Keep it below kubelet's timeoutSeconds, so
              that the probe can print its reason.
          PROBE_MAX_LAG (duration, 1s..1d), default 15s
              A replica that has not heard from its master for longer is not ready.
              Keep it above repl-ping-replica-period (Redis: 10s).

        Addresses
          REDIS_HOST (address), default 127.0.0.1
              Address of the server. An IP address needs no resolver.
          REDIS_PORT (1..65535), default 6379
              Port that Redis listens on.
          SENTINEL_PORT (1..65535), default 26379
              Port that Sentinel listens on.
          REDIS_SOCKET (path)
              Unix socket of Redis, used instead of host and port.
          REDIS_SENTINEL_SERVICE_HOST (host[:port],…)
              Sentinels to ask whether they name another master. Unset: no Sentinel
              is asked.
          REDIS_SENTINEL_SERVICE_PORT (1..65535), default SENTINEL_PORT
              Port of those Sentinels that are listed without one.
          ANNOUNCE_HOST, POD_IP (address)
              Address under which Sentinels know this server, besides its
              replica-announce-ip.

        Group
          SENTINEL (true or false), default false
              Whether the server is a Sentinel, as in the seed image.
          CLUSTER_ID (namespace/name), default <POD_NAMESPACE or "default">/redis
              Identity of the group. Part of the ACL user sidecar-<cluster id> and of
              the master name.
          POD_NAMESPACE (text)
              Default for the first half of CLUSTER_ID.
          MASTER_NAME (text), default CLUSTER_ID with a dot for its slash
              Name under which Sentinels monitor the master.
          SENTINEL_COUNT (1..31), default 3
              Number of Sentinels in the group. A master is not ready if a majority
              of this number names another.

        Files
          CONFIG_DIR (path), default /run/sidecars
              Directory of redis-bootstrap's configuration and of bootstrap.json, its
              heartbeat while it waits.

        Passwords
          SIDECAR_PASSWORD, SIDECAR_PASSWORD_PREVIOUS (secret)
              Password of ACL user sidecar-<cluster id>. Default: REDIS_PASSWORD. All
              that are set are tried in order.
          REDIS_PASSWORD, REDIS_PASSWORD_PREVIOUS (secret)
              Password of Redis' default user.
          SENTINEL_PASSWORD, SENTINEL_PASSWORD_PREVIOUS (secret)
              Password of Sentinel's default user. Default: REDIS_PASSWORD.
          each secret also as NAME_FILE (path)
              File that holds the secret; a line feed at its end is ignored. If it
              can't be read, startup fails with a wrong setting; later probes only
              warn, and ask the server without that password.

        TLS
          TLS_CA_FILE (path)
              PEM file of the only trusted CA, for redis-probe-tls. Unset: plain TCP.
          TLS_CERT_FILE, TLS_KEY_FILE (path)
              PEM client certificate and private key.
          TLS_SERVER_NAME (name)
              Name that servers' certificates must have. Default: the address
              connected to.
        """;
}
