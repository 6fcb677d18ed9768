/* A machine that fails, for the gateway's process alone: preloaded, and controlled by a file that both sides have mapped.
 *
 *     0             4             8                           16
 *     +-------------+-------------+---------------------------+
 *     | fail_sync   | full        | clock_s                   |
 *     +-------------+-------------+---------------------------+
 *
 * fail_sync: not 0 makes fsync and fdatasync fail with EIO; full: not 0 makes writes at a place fail with ENOSPC, which
 * is how SQLite writes; clock_s: so many seconds are added to the time of day, which others on the machine do not see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct faults {
    volatile int32_t fail_sync;
    volatile int32_t full;
    volatile int64_t clock_s;
};

static struct faults *faults;

__attribute__((constructor)) static void open_faults(void)
{
    const char *path = getenv("MACHINE_FAULTS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        faults = found;
}

static int sync_fails(void)
{
    if (!faults || !faults->fail_sync)
        return 0;
    errno = EIO;
    return 1;
}

int fsync(int file)
{
    return sync_fails() ? -1 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    return sync_fails() ? -1 : (int)syscall(SYS_fdatasync, file);
}

static ssize_t put(int file, const void *data, size_t count, off_t at)
{
    if (faults && faults->full) {
        errno = ENOSPC;
        return -1;
    }
    return (ssize_t)syscall(SYS_pwrite64, file, data, count, at);
}

ssize_t pwrite(int file, const void *data, size_t count, off_t at)
{
    return put(file, data, count, at);
}

ssize_t pwrite64(int file, const void *data, size_t count, off_t at)
{
    return put(file, data, count, at);
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, which, now);
    if (!failed && faults && which == CLOCK_REALTIME)
        now->tv_sec += faults->clock_s;
    return failed;
}
