//go:build linux && cgo

// What libc has under these names is hidden by these functions, for every shared library of the process: the dynamic
// linker looks into the executable first. fcntl.h is left out since it declares some of them otherwise.
#define _GNU_SOURCE
#include <linux/fcntl.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define ROOTS 64
static char roots[ROOTS][PATH_MAX];
static size_t lengths[ROOTS];
static int writable[ROOTS];
static atomic_int count; // of roots; 0 means that nothing is confined yet

// Read only. A folder ends with a slash.
static const char *const readable[] = {
    "/usr/share/zoneinfo/", "/usr/lib/", "/lib/", "/usr/share/locale/", "/etc/localtime", "/etc/timezone", "/etc/resolv.conf",
    "/run/systemd/resolve/", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/ssl/", "/etc/pki/", "/etc/ld.so.cache", "/proc/", "/sys/", "/dev/null", "/dev/zero",
    "/dev/random", "/dev/urandom",
};

// txflow_confine adds a root. Calls must not overlap; the readers need no lock.
int txflow_confine(const char *root, int may_write) {
    int n = atomic_load(&count);
    size_t len = strlen(root);
    for (int i = 0; i < n; i++)
        if (strcmp(roots[i], root) == 0) return 0;
    if (n == ROOTS || len == 0 || len >= PATH_MAX) return -1;
    memcpy(roots[n], root, len + 1);
    lengths[n] = len;
    writable[n] = may_write;
    atomic_store(&count, n + 1);
    return 0;
}

static int below_root(const char *path, int n, int writes) {
    for (int i = 0; i < n; i++)
        if ((writable[i] || !writes) && strncmp(path, roots[i], lengths[i]) == 0 &&
            (path[lengths[i]] == '/' || path[lengths[i]] == 0))
            return 1;
    return 0;
}

static int is_readable(const char *path) {
    const char *last = strrchr(path, '/');
    if (strncmp(path, "/proc/", 6) == 0 && last != NULL &&
        (strcmp(last, "/environ") == 0 || strcmp(last, "/cmdline") == 0 || strcmp(last, "/mem") == 0))
        return 0;
    for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++) {
        size_t len = strlen(readable[i]);
        if (readable[i][len - 1] == '/' ? strncmp(path, readable[i], len) == 0 : strcmp(path, readable[i]) == 0) return 1;
    }
    return 0;
}

// resolve writes the path without links and dots; what does not exist yet keeps its last name.
static int resolve(const char *path, char *out) {
    if (realpath(path, out) != NULL) return 0;
    if (errno != ENOENT) return -1;
    char copy[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') len--;
    if (len >= PATH_MAX) return -1;
    memcpy(copy, path, len);
    copy[len] = 0;
    char *slash = strrchr(copy, '/');
    const char *name = slash == NULL ? copy : slash + 1;
    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0) return -1;
    char saved[NAME_MAX + 1];
    if (strlen(name) > NAME_MAX) return -1;
    strcpy(saved, name);
    if (slash == NULL) strcpy(copy, ".");
    else if (slash == copy) copy[1] = 0;
    else *slash = 0;
    if (realpath(copy, out) == NULL) return -1;
    size_t dir = strlen(out);
    if (dir + 1 + strlen(saved) >= PATH_MAX) return -1;
    if (dir > 1) out[dir++] = '/';
    strcpy(out + dir, saved);
    return 0;
}

// allowed sets errno where it says no. A path below a root without ".." is what nearly every call has: only the engine
// makes links there, and they stay there.
static int allowed(const char *path, int writes) {
    int n = atomic_load(&count);
    if (n == 0 || path == NULL) return 1;
    if (path[0] == '/' && strstr(path, "/..") == NULL && below_root(path, n, writes)) return 1;
    char real[PATH_MAX];
    if (resolve(path, real) != 0) {
        if (errno != ENOENT) errno = EACCES;
        return 0;
    }
    if (below_root(real, n, writes)) return 1;
    // /proc/self is a link to the process.
    if ((!writes || strcmp(real, "/dev/null") == 0) && is_readable(real) && is_readable(path[0] == '/' ? path : real)) return 1;
    errno = EACCES;
    return 0;
}

static int allowed_at(int dir, const char *path, int writes) {
    if (atomic_load(&count) == 0 || path == NULL || path[0] == '/' || dir == AT_FDCWD) return allowed(path, writes);
    char link[64], base[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
    if (len < 0) return 0;
    base[len] = 0;
    if ((size_t)len + 1 + strlen(path) >= sizeof base) {
        errno = ENAMETOOLONG;
        return 0;
    }
    base[len] = '/';
    strcpy(base + len + 1, path);
    return allowed(base, writes);
}

static int open_at(int dir, const char *path, int flags, int mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    if (!allowed_at(dir, path, writes)) return -1;
    return syscall(SYS_openat, dir, path, flags, mode);
}

#define MODE(flags)                                   \
    int mode = 0;                                     \
    if (flags & (O_CREAT | (__O_TMPFILE & ~O_DIRECTORY))) { \
        va_list args;                                 \
        va_start(args, flags);                        \
        mode = va_arg(args, int);                     \
        va_end(args);                                 \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags) return open_at(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags) return open_at(dir, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

typedef FILE *fopen_function(const char *, const char *);
FILE *fopen(const char *path, const char *mode) {
    if (!allowed(path, strpbrk(mode, "wa+") != NULL)) return NULL;
    return ((fopen_function *)dlsym(RTLD_NEXT, "fopen"))(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    if (!allowed(path, strpbrk(mode, "wa+") != NULL)) return NULL;
    return ((fopen_function *)dlsym(RTLD_NEXT, "fopen64"))(path, mode);
}

int mkdir(const char *path, mode_t mode) {
    return allowed(path, 1) ? syscall(SYS_mkdirat, AT_FDCWD, path, mode) : -1;
}
int unlink(const char *path) { return allowed(path, 1) ? syscall(SYS_unlinkat, AT_FDCWD, path, 0) : -1; }
int unlinkat(int dir, const char *path, int flags) {
    return allowed_at(dir, path, 1) ? syscall(SYS_unlinkat, dir, path, flags) : -1;
}
int rename(const char *from, const char *to) {
    return allowed(from, 1) && allowed(to, 1) ? syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) : -1;
}
int link(const char *from, const char *to) {
    return allowed(from, 1) && allowed(to, 1) ? syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0) : -1;
}
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    return allowed_at(from_dir, from, 1) && allowed_at(to_dir, to, 1) ? syscall(SYS_linkat, from_dir, from, to_dir, to, flags) : -1;
}
int symlink(const char *to, const char *path) {
    return allowed(path, 1) ? syscall(SYS_symlinkat, to, AT_FDCWD, path) : -1;
}
