/* The system calls of this VFS, in a table that tests replace (as os_unix.c's aSyscall). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif
#include "volume_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

static int real_open(const char *path, int flags, int mode) { return open(path, flags, mode); }
static int real_lock(int fd, int type, long long at, long long length) {
#ifdef F_OFD_SETLK
  struct flock l = {
      .l_type = (short)type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = (off_t)length};
  return fcntl(fd, F_OFD_SETLK, &l); /* never waits for a holder; fcntl(2) demands l_pid 0 */
#else
  (void)fd, (void)type, (void)at, (void)length;
  errno = ENOSYS;
  return -1;
#endif
}
static long real_pread(int fd, void *to, unsigned long amount, long long at) {
  return pread(fd, to, amount, (off_t)at);
}
static long real_pwrite(int fd, const void *from, unsigned long amount, long long at) {
  return pwrite(fd, from, amount, (off_t)at);
}
static int real_sync(int fd) { return fsync(fd); }
static int real_truncate(int fd, long long size) { return ftruncate(fd, (off_t)size); }
static int real_stat(int fd, struct stat *to) { return fstat(fd, to); }
static int real_is_network(int fd) {
#ifdef __linux__
  enum { NFS_MAGIC = 0x6969 }; /* statfs(2) */
  struct statfs st;
  return fstatfs(fd, &st) == 0 && st.f_type == NFS_MAGIC;
#else
  (void)fd;
  return 0;
#endif
}

static const struct volume_calls real = {
    .open = real_open,
    .close = close,
    .lock = real_lock,
    .pread = real_pread,
    .pwrite = real_pwrite,
    .sync = real_sync,
    .truncate = real_truncate,
    .stat = real_stat,
    .is_network = real_is_network,
};
struct volume_calls volume_sys = {
    .open = real_open,
    .close = close,
    .lock = real_lock,
    .pread = real_pread,
    .pwrite = real_pwrite,
    .sync = real_sync,
    .truncate = real_truncate,
    .stat = real_stat,
    .is_network = real_is_network,
};

void volume_set_calls(const struct volume_calls *calls) { volume_sys = calls ? *calls : real; }
struct volume_calls volume_real_calls(void) { return real; }
