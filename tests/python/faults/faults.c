/* Faults in the calls that change files under a folder: preloaded into a program, or armed by it.
 *
 * The calls are counted: opening a file to create it, write, rename, mkdir, fsync and ftruncate. With the call of
 * number `at` begins what `with` names:
 *   full   it and all later ones that need space fail with ENOSPC, as on a full disk
 *   error  it alone fails with EIO
 *   kill   the process is killed before the call
 *   none   nothing; the calls are counted
 * FAULT_UNDER, FAULT_AT, FAULT_WITH arm a program from its start; FAULT_COUNT names a file for the number of calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char under[PATH_MAX];
static char with;
static long at;
static atomic_long calls;

void fault_arm(const char *folder, long number, const char *kind)
{
    snprintf(under, sizeof under, "%s", folder);
    at = number;
    calls = 0;
    with = kind[0];
}

long fault_calls(void) { return calls; }

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("FAULT_UNDER"), *number = getenv("FAULT_AT"), *kind = getenv("FAULT_WITH");
    if (folder && number && kind)
        fault_arm(folder, atol(number), kind);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAULT_COUNT");
    FILE *file = path && with ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", (long)calls);
        fclose(file);
    }
}

/* The error of a call that changes `path`, or 0. */
static int judge(const char *path, int needs_space)
{
    if (!with || strncmp(path, under, strlen(under)))
        return 0;
    long number = ++calls;
    if (with == 'k' && number == at)
        kill(getpid(), SIGKILL);
    if (with == 'e' && number == at)
        return EIO;
    return with == 'f' && number >= at && needs_space ? ENOSPC : 0;
}

static int judge_name(int folder, const char *name, int needs_space)
{
    char path[2 * PATH_MAX] = "", link[64];
    if (name[0] != '/') {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = folder == AT_FDCWD ? (getcwd(path, PATH_MAX) ? (ssize_t)strlen(path) : -1)
                                            : readlink(link, path, PATH_MAX - 1);
        if (length < 0)
            return 0;
        path[length] = '/';
        path[length + 1] = 0;
    }
    strncat(path, name, PATH_MAX - 1);
    return judge(path, needs_space);
}

static int judge_descriptor(int descriptor, int needs_space)
{
    char path[PATH_MAX], link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = with ? readlink(link, path, sizeof path - 1) : -1;
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return judge(path, needs_space);
}

#define REAL(name) static typeof(name) *real; if (!real) real = (typeof(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL_IF(error) do { int code = (error); if (code) { errno = code; return -1; } } while (0)

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        REAL(name);                                                                    \
        va_list rest;                                                                  \
        va_start(rest, flags);                                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;      \
        va_end(rest);                                                                  \
        if (flags & O_CREAT)                                                           \
            FAIL_IF(judge_name(AT_FDCWD, path, access(path, F_OK) != 0));              \
        return real(path, flags, mode);                                                \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                   \
    int name(int folder, const char *path, int flags, ...)                             \
    {                                                                                  \
        REAL(name);                                                                    \
        va_list rest;                                                                  \
        va_start(rest, flags);                                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;      \
        va_end(rest);                                                                  \
        if (flags & O_CREAT)                                                           \
            FAIL_IF(judge_name(folder, path, faccessat(folder, path, F_OK, 0) != 0));  \
        return real(folder, path, flags, mode);                                        \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void *data, size_t length)
{
    REAL(write);
    FAIL_IF(judge_descriptor(descriptor, 1));
    return real(descriptor, data, length);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    FAIL_IF(judge_name(AT_FDCWD, to, 0));
    return real(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(renameat);
    FAIL_IF(judge_name(to_folder, to, 0));
    return real(from_folder, from, to_folder, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    if (access(path, F_OK))
        FAIL_IF(judge_name(AT_FDCWD, path, 1));
    return real(path, mode);
}

int fsync(int descriptor)
{
    REAL(fsync);
    FAIL_IF(judge_descriptor(descriptor, 0));
    return real(descriptor);
}

int ftruncate(int descriptor, off_t length)
{
    REAL(ftruncate);
    FAIL_IF(judge_descriptor(descriptor, 0));
    return real(descriptor, length);
}
