/* Preloaded: writes and syncs of files under $EIO_UNDER fail with EIO while the file $EIO_FLAG exists, and with EROFS
   while $EIO_FLAG.ro exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int broken(int fd) {
    const char *flag = getenv("EIO_FLAG"), *under = getenv("EIO_UNDER");
    char link[64], path[PATH_MAX], readonly[PATH_MAX];
    if (!flag || !under) return 0;
    snprintf(readonly, sizeof readonly, "%s.ro", flag);
    int error = access(flag, F_OK) == 0 ? EIO : access(readonly, F_OK) == 0 ? EROFS : 0;
    if (!error) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return strncmp(path, under, strlen(under)) == 0 ? error : 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *b, size_t n) {
    int error = fd > 2 ? broken(fd) : 0;
    if (error) { errno = error; return -1; }
    return NEXT(write)(fd, b, n);
}
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) {
    int error = broken(fd);
    if (error) { errno = error; return -1; }
    return NEXT(pwrite64)(fd, b, n, o);
}
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) {
    int error = broken(fd);
    if (error) { errno = error; return -1; }
    return NEXT(pwrite)(fd, b, n, o);
}
int fsync(int fd) {
    int error = broken(fd);
    if (error) { errno = error; return -1; }
    return NEXT(fsync)(fd);
}
int fdatasync(int fd) {
    int error = broken(fd);
    if (error) { errno = error; return -1; }
    return NEXT(fdatasync)(fd);
}
int ftruncate64(int fd, off64_t n) {
    int error = broken(fd);
    if (error) { errno = error; return -1; }
    return NEXT(ftruncate64)(fd, n);
}
