/* Preloaded into a process, ends it or fails it at the n-th call that changes a file whose path holds a word: once, in whichever
   process of a cluster comes there first.

   CRASH_IN     the word
   CRASH_AT     n, from 1
   CRASH_HOW    kill, or error: the call fails with EIO
   CRASH_FLAG   a file that is made when it happens; where it is there, nothing happens any more */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static int crashes_at(const char *path) {
  const char *word = getenv("CRASH_IN"), *at = getenv("CRASH_AT"), *flag = getenv("CRASH_FLAG");
  if (!word || !at || !flag || !strstr(path, word)) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != atol(at)) return 0;
  int file = open(flag, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (file < 0) return 0;
  close(file);
  if (strcmp(getenv("CRASH_HOW"), "kill") == 0) kill(getpid(), SIGKILL);
  errno = EIO;
  return 1;
}

static int crashes(int file) {
  char link[64], path[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 0) return 0;
  path[length] = 0;
  return crashes_at(path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *bytes, size_t count) {
  REAL(write);
  return crashes(file) ? -1 : real(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  REAL(pwrite);
  return crashes(file) ? -1 : real(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  REAL(pwrite64);
  return crashes(file) ? -1 : real(file, bytes, count, offset);
}

int fsync(int file) {
  REAL(fsync);
  return crashes(file) ? -1 : real(file);
}

int fdatasync(int file) {
  REAL(fdatasync);
  return crashes(file) ? -1 : real(file);
}

int ftruncate64(int file, off64_t length) {
  REAL(ftruncate64);
  return crashes(file) ? -1 : real(file, length);
}

int unlink(const char *path) {
  REAL(unlink);
  return crashes_at(path) ? -1 : real(path);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  return crashes_at(to) ? -1 : real(from, to);
}
