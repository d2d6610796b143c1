/* What a process asks of the kernel for the files of one folder: written down in order, made to fail, clocks shifted.
 *
 * Preloaded (LD_PRELOAD) and driven from within the process (shim.py): until faults_start is called all calls pass.
 * Events lie in memory, each a header and its data, and are fetched by faults_log. One lock is held round each change,
 * so that the order of the events is an order in which the kernel can have seen them. A sync is two events: what was
 * written before the first is durable after the second.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC_BEGIN, SYNC_END, SYNC_FAILED, CREATE, RENAME, UNLINK, MKDIR, LINK, MARK, MAPPED };
enum { F_WRITE = 1, F_SYNC = 2, F_TRUNCATE = 4, F_OPEN = 8, F_NAME = 16, F_READ = 32, F_SHORT = 64 };

struct event { uint32_t kind, size; uint64_t inode, offset, time_ns; };

#define REAL(name) ((__typeof__(&name))real(#name))
#define FDS 65536

static char root[4096];
static size_t root_size;
static int recording, fail_mask, fail_errno, sync_us;
static double fail_rate;
static long failed, operations;
static uint64_t state = 88172645463325252ull, syncs;
static int64_t wall_shift_ns, boot_shift_ns;
static unsigned char ours[FDS];
static char *events;
static size_t events_size, events_room;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static double chance(void) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return (state >> 11) / 9007199254740992.0;
}

static void note(uint32_t kind, uint64_t inode, uint64_t offset, const void *data, size_t size) {
    struct event head = { kind, (uint32_t)size, inode, offset, 0 };
    struct timespec now;
    if (!recording) return;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    head.time_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
    if (events_size + sizeof head + size > events_room) {
        events_room = 2 * (events_size + sizeof head + size) + 1048576;
        events = realloc(events, events_room);
        if (!events) abort();
    }
    memcpy(events + events_size, &head, sizeof head);
    if (size) memcpy(events + events_size + sizeof head, data, size);
    events_size += sizeof head + size;
}

static void note_names(uint32_t kind, uint64_t inode, const char *from, const char *to) {
    char both[8192];
    int size = snprintf(both, sizeof both, "%s%c%s", from, 0, to ? to : "");
    note(kind, inode, 0, both, size);
}

static int mine(int fd) { return fd >= 0 && fd < FDS && ours[fd]; }
static int inside(const char *path) {
    return root_size && path && !strncmp(path, root, root_size) && (path[root_size] == '/' || !path[root_size]);
}

/* Whether this call shall fail now; errno is then set. */
static int fails(int kind) {
    operations++;
    if (!(fail_mask & kind) || chance() >= fail_rate) return 0;
    failed++;
    errno = fail_errno;
    return 1;
}

static uint64_t inode_of(int fd, mode_t *mode) {
    struct stat found;
    if (fstat(fd, &found)) return 0;
    if (mode) *mode = found.st_mode;
    return found.st_ino;
}

/* ---- driven by shim.py ---- */

void faults_start(const char *folder, int record, int slow_sync_us, uint64_t seed) {
    pthread_mutex_lock(&lock);
    snprintf(root, sizeof root, "%s", folder);
    root_size = strlen(root);
    recording = record;
    sync_us = slow_sync_us;
    state = seed * 2654435769u + 88172645463325252ull;
    events_size = 0;
    pthread_mutex_unlock(&lock);
}
void faults_stop(void) { pthread_mutex_lock(&lock); root_size = 0; recording = fail_mask = 0; pthread_mutex_unlock(&lock); }
void faults_mark(const char *text, size_t size) {
    pthread_mutex_lock(&lock);
    note(MARK, 0, 0, text, size);
    pthread_mutex_unlock(&lock);
}
const char *faults_log(size_t *size) { *size = events_size; return events; }
void faults_fail(int mask, double rate, int error) {
    pthread_mutex_lock(&lock);
    fail_mask = mask; fail_rate = rate; fail_errno = error;
    pthread_mutex_unlock(&lock);
}
long faults_failed(void) { return failed; }
long faults_operations(void) { return operations; }
void faults_clocks(int64_t wall_ns, int64_t boot_ns) { wall_shift_ns = wall_ns; boot_shift_ns = boot_ns; }

/* ---- clocks ---- */

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    int64_t shift = 0;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) shift = wall_shift_ns;
    if (clock == CLOCK_BOOTTIME) shift = boot_shift_ns;
    if (!result && shift) {
        int64_t total = time->tv_sec * 1000000000ll + time->tv_nsec + shift;
        time->tv_sec = total / 1000000000ll;
        time->tv_nsec = total % 1000000000ll;
    }
    return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* ---- files ---- */

static int opened(const char *path, int flags, mode_t mode) {
    struct stat before, after;
    int known, fd;
    if (!inside(path)) {
        fd = REAL(open64)(path, flags, mode);
        if (fd >= 0 && fd < FDS) ours[fd] = 0;
        return fd;
    }
    pthread_mutex_lock(&lock);
    known = lstat(path, &before) == 0;
    if ((flags & (O_CREAT | O_TRUNC)) && fails(F_OPEN)) { pthread_mutex_unlock(&lock); return -1; }
    fd = REAL(open64)(path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        ours[fd] = 1;
        if (fstat(fd, &after) == 0) {
            if (!known) note_names(CREATE, after.st_ino, path, NULL);
            else if ((flags & O_TRUNC) && before.st_size) note(TRUNCATE, after.st_ino, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}
#define OPENING() \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { OPENING() return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { OPENING() return opened(path, flags, mode); }
int openat(int at, const char *path, int flags, ...) {
    OPENING()
    return inside(path) ? opened(path, flags, mode) : REAL(openat64)(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
    OPENING()
    return inside(path) ? opened(path, flags, mode) : REAL(openat64)(at, path, flags, mode);
}
int creat(const char *path, mode_t mode) { return opened(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int close(int fd) {
    if (fd >= 0 && fd < FDS) ours[fd] = 0;
    return REAL(close)(fd);
}

/* How much of a write of this size goes through: all, or a part where it is to be short; -1 where it fails. */
static ssize_t through(size_t size) {
    if (fails(F_WRITE)) return -1;
    if ((fail_mask & F_SHORT) && size > 1 && chance() < fail_rate) { failed++; return 1 + (ssize_t)(chance() * (size - 1)); }
    return (ssize_t)size;
}
static ssize_t placed(int fd, const void *data, size_t size, off64_t offset) {
    ssize_t part, result;
    pthread_mutex_lock(&lock);
    part = through(size);
    result = part < 0 ? -1 : REAL(pwrite64)(fd, data, part, offset);
    if (result > 0) note(WRITE, inode_of(fd, NULL), offset, data, result);
    pthread_mutex_unlock(&lock);
    return result;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return mine(fd) ? placed(fd, data, size, offset) : REAL(pwrite64)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    return mine(fd) ? placed(fd, data, size, offset) : REAL(pwrite64)(fd, data, size, offset);
}
ssize_t write(int fd, const void *data, size_t size) {
    ssize_t part, result;
    if (!mine(fd)) return REAL(write)(fd, data, size);
    pthread_mutex_lock(&lock);
    part = through(size);
    result = part < 0 ? -1 : REAL(write)(fd, data, part);
    if (result > 0) note(WRITE, inode_of(fd, NULL), lseek(fd, 0, SEEK_CUR) - result, data, result);
    pthread_mutex_unlock(&lock);
    return result;
}
static ssize_t gathered(int fd, const struct iovec *parts, int count, off64_t offset) {
    ssize_t total = 0, result;
    for (int each = 0; each < count; each++) {
        result = offset < 0 ? write(fd, parts[each].iov_base, parts[each].iov_len)
                            : pwrite64(fd, parts[each].iov_base, parts[each].iov_len, offset + total);
        if (result < 0) return total ? total : -1;
        total += result;
        if ((size_t)result < parts[each].iov_len) break;
    }
    return total;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return mine(fd) ? gathered(fd, parts, count, -1) : REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return mine(fd) ? gathered(fd, parts, count, offset) : REAL(pwritev64)(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    return mine(fd) ? gathered(fd, parts, count, offset) : REAL(pwritev64)(fd, parts, count, offset);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return mine(fd) ? gathered(fd, parts, count, offset) : REAL(pwritev2)(fd, parts, count, offset, flags);
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    return mine(fd) ? gathered(fd, parts, count, offset) : REAL(pwritev64v2)(fd, parts, count, offset, flags);
}
/* A copy within the kernel is written down by reading back what has arrived. */
static void note_copied(int fd, off64_t offset, ssize_t size) {
    char *data = malloc(size), path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int readable = REAL(open64)(path, O_RDONLY | O_CLOEXEC); /* the descriptor itself may be for writing alone */
    if (data && REAL(pread64)(readable, data, size, offset) == size) note(WRITE, inode_of(fd, NULL), offset, data, size);
    REAL(close)(readable);
    free(data);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t size) {
    ssize_t result;
    if (!mine(out)) return REAL(sendfile64)(out, in, offset, size);
    pthread_mutex_lock(&lock);
    result = fails(F_WRITE) ? -1 : REAL(sendfile64)(out, in, offset, size);
    if (result > 0) note_copied(out, lseek(out, 0, SEEK_CUR) - result, result);
    pthread_mutex_unlock(&lock);
    return result;
}
ssize_t sendfile(int out, int in, off_t *offset, size_t size) { return sendfile64(out, in, offset, size); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    if (mine(out)) { errno = EXDEV; return -1; } /* everybody falls back to write */
    return REAL(copy_file_range)(in, from, out, to, size, flags);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset) {
    if (mine(fd) && (fail_mask & F_READ)) {
        pthread_mutex_lock(&lock);
        int failing = fails(F_READ);
        pthread_mutex_unlock(&lock);
        if (failing) return -1;
    }
    return REAL(pread64)(fd, data, size, offset);
}
ssize_t pread(int fd, void *data, size_t size, off_t offset) { return pread64(fd, data, size, offset); }

static int cut(int fd, const char *path, off64_t size) {
    struct stat found;
    int result;
    pthread_mutex_lock(&lock);
    if (fails(F_TRUNCATE)) result = -1;
    else result = path ? REAL(truncate64)(path, size) : REAL(ftruncate64)(fd, size);
    if (!result && !(path ? stat(path, &found) : fstat(fd, &found))) note(TRUNCATE, found.st_ino, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int fd, off_t size) { return mine(fd) ? cut(fd, NULL, size) : REAL(ftruncate64)(fd, size); }
int ftruncate64(int fd, off64_t size) { return mine(fd) ? cut(fd, NULL, size) : REAL(ftruncate64)(fd, size); }
int truncate(const char *path, off_t size) { return inside(path) ? cut(-1, path, size) : REAL(truncate64)(path, size); }
int truncate64(const char *path, off64_t size) { return inside(path) ? cut(-1, path, size) : REAL(truncate64)(path, size); }
static int allocated(int fd, int mode, off64_t offset, off64_t size) {
    struct stat found;
    int result;
    pthread_mutex_lock(&lock);
    result = fails(F_WRITE) ? -1 : REAL(fallocate64)(fd, mode, offset, size);
    if (!result && !fstat(fd, &found)) note(TRUNCATE, found.st_ino, found.st_size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
    return mine(fd) ? allocated(fd, mode, offset, size) : REAL(fallocate64)(fd, mode, offset, size);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
    return mine(fd) ? allocated(fd, mode, offset, size) : REAL(fallocate64)(fd, mode, offset, size);
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    if (!mine(fd)) return REAL(posix_fallocate64)(fd, offset, size);
    return allocated(fd, 0, offset, size) ? errno : 0;
}
int posix_fallocate(int fd, off_t offset, off_t size) { return posix_fallocate64(fd, offset, size); }

static int synced(int fd, int data_only) {
    uint64_t inode = inode_of(fd, NULL), number;
    int failing, wait_us, result = 0;
    pthread_mutex_lock(&lock);
    number = ++syncs;
    note(SYNC_BEGIN, inode, number, NULL, 0);
    failing = fails(F_SYNC);
    wait_us = sync_us ? (int)(chance() * sync_us) : 0;
    pthread_mutex_unlock(&lock);
    if (wait_us) usleep(wait_us);
    if (!failing) result = data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
    pthread_mutex_lock(&lock);
    note(failing || result ? SYNC_FAILED : SYNC_END, inode, number, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (failing) { errno = fail_errno; return -1; }
    return result;
}
int fsync(int fd) { return mine(fd) ? synced(fd, 0) : REAL(fsync)(fd); }
int fdatasync(int fd) { return mine(fd) ? synced(fd, 1) : REAL(fdatasync)(fd); }

static void *mapped(void *at, size_t size, int protection, int flags, int fd, off64_t offset) {
    if (mine(fd) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) {
        pthread_mutex_lock(&lock);
        note(MAPPED, inode_of(fd, NULL), offset, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return REAL(mmap64)(at, size, protection, flags, fd, offset);
}
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) { return mapped(at, size, protection, flags, fd, offset); }
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) { return mapped(at, size, protection, flags, fd, offset); }

/* ---- names ---- */

#define NAMED(kind, path, other, call, passing) \
    int result; \
    if (!inside(path)) return passing; \
    pthread_mutex_lock(&lock); \
    result = fails(F_NAME) ? -1 : call; \
    if (!result) note_names(kind, 0, path, other); \
    pthread_mutex_unlock(&lock); \
    return result;
int rename(const char *from, const char *to) { NAMED(RENAME, from, to, REAL(rename)(from, to), REAL(rename)(from, to)) }
int renameat(int a, const char *from, int b, const char *to) {
    NAMED(RENAME, from, to, REAL(renameat)(a, from, b, to), REAL(renameat)(a, from, b, to))
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    NAMED(RENAME, from, to, REAL(renameat2)(a, from, b, to, flags), REAL(renameat2)(a, from, b, to, flags))
}
int unlink(const char *path) { NAMED(UNLINK, path, NULL, REAL(unlink)(path), REAL(unlink)(path)) }
int unlinkat(int at, const char *path, int flags) {
    NAMED(UNLINK, path, NULL, REAL(unlinkat)(at, path, flags), REAL(unlinkat)(at, path, flags))
}
int remove(const char *path) { NAMED(UNLINK, path, NULL, REAL(remove)(path), REAL(remove)(path)) }
int rmdir(const char *path) { NAMED(UNLINK, path, NULL, REAL(rmdir)(path), REAL(rmdir)(path)) }
int link(const char *from, const char *to) { NAMED(LINK, from, to, REAL(link)(from, to), REAL(link)(from, to)) }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    NAMED(LINK, from, to, REAL(linkat)(a, from, b, to, flags), REAL(linkat)(a, from, b, to, flags))
}
int mkdir(const char *path, mode_t mode) {
    struct stat found;
    int result;
    if (!inside(path)) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&lock);
    result = fails(F_NAME) ? -1 : REAL(mkdir)(path, mode);
    if (!result && !stat(path, &found)) note_names(MKDIR, found.st_ino, path, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
