/*
 * Starts each command in turn, ROUNDS times, and prints one line a run: number of the command, wall time in ns, its own CPU in
 * us (user and system, children included), its largest resident set in KB, the server's CPU in ns (connect to close), exit code.
 * In C, since starting a process from a managed one costs several times what is measured.
 *
 *   probe_runner ROUNDS SERVER_PID COMMAND... -- COMMAND... --
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Time on a processor of the server's main thread, in ns. */
static long long server_cpu(const char *pid)
{
    char path[64];
    long long ns = -1;
    snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    if (fscanf(file, "%lld", &ns) != 1) ns = -1;
    fclose(file);
    return ns;
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    int rounds = atoi(argv[1]), quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct timespec pause = {0, 3000000}; /* until the server has seen the close */
    for (int round = 0; round < rounds; round++) {
        for (int at = 3, index = 0; at < argc; index++) {
            char **command = argv + at;
            while (at < argc && strcmp(argv[at], "--")) at++;
            char *separator = argv[at];
            argv[at] = NULL;
            long long server = server_cpu(argv[2]), started = now();
            pid_t child = vfork();
            if (child == 0) {
                dup2(quiet, 1);
                dup2(quiet, 2);
                execvp(command[0], command);
                _exit(127);
            }
            int status;
            struct rusage usage;
            if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 1;
            long long ended = now();
            nanosleep(&pause, NULL);
            long cpu = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
            printf("%d %lld %ld %ld %lld %d\n", index, ended - started, cpu, usage.ru_maxrss, server_cpu(argv[2]) - server, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
            argv[at++] = separator;
        }
    }
    return 0;
}
