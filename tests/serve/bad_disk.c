// A library for LD_PRELOAD that makes reads of some files fail or hang, as a
// network file system does whose server is gone: reads of files whose path has
// "/stale" in it fail with ESTALE, those with "/hang" do not return, and files
// with "/full" can't be opened for lack of descriptors, for as long as the file
// named by BAD_WHILE exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_bad(void) {
    const char *path = getenv("BAD_WHILE");
    return path != NULL && access(path, F_OK) == 0;
}

static int fails(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int kept = errno;
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (n < 0)
        return 0;
    path[n] = 0;
    while (strstr(path, "/hang") != NULL && is_bad())
        usleep(10000);
    if (strstr(path, "/stale") == NULL || !is_bad())
        return 0;
    errno = ESTALE;
    return 1;
}

ssize_t read(int fd, void *to, size_t n) {
    static ssize_t (*real)(int, void *, size_t);
    if (real == NULL)
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    return fails(fd) ? -1 : real(fd, to, n);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (real == NULL)
        real = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    return fails(fd) ? -1 : real(fd, to, n, at);
}

int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    if (real == NULL)
        real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (strstr(path, "/full") != NULL && is_bad()) {
        errno = EMFILE;
        return -1;
    }
    return real(path, flags, mode);
}
