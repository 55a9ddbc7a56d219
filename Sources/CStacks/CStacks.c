#define _GNU_SOURCE
#include "CStacks.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Each thread prints its own stack, when a signal asks it to: one after the other. Nothing here allocates or takes a lock, for
// whoever is interrupted may hold it.

enum { MOST_FRAMES = 128, MILLISECONDS = 500 };

static int own_signal(void) { return SIGRTMIN + 6; }
static atomic_int waiting;

static void put(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) { /* there is nowhere to say so */ }
}

static void put_number(long number) {
  char digits[24];
  char *first = digits + sizeof digits - 1;
  *first = 0;
  do { *--first = (char)('0' + number % 10); } while ((number /= 10) > 0);
  put(first);
}

static void put_name(long thread, const char *name) {
  put("\nthread ");
  put_number(thread);
  put(" ");
  put(name);
  put("\n");
}

static void print_own(void) {
  char name[17] = "";
  prctl(PR_GET_NAME, name);
  put_name(syscall(SYS_gettid), name);
  void *frames[MOST_FRAMES];
  backtrace_symbols_fd(frames, backtrace(frames, MOST_FRAMES), STDERR_FILENO);
}

static void on_own_signal(int signal) {
  int before = errno;
  print_own();
  atomic_store(&waiting, 0);
  errno = before;
}

static void ask(long thread) {
  atomic_store(&waiting, 1);
  if (syscall(SYS_tgkill, getpid(), thread, own_signal()) != 0) return;
  struct timespec pause = {0, 1000000};
  for (int tries = 0; atomic_load(&waiting) && tries < MILLISECONDS; tries++) nanosleep(&pause, NULL);
  if (atomic_load(&waiting)) put_name(thread, "does not answer: it takes no signals");
}

static void on_quit(int signal) {
  int before = errno;
  put("\nstacks of all threads of process ");
  put_number(getpid());
  put("\n");
  print_own();
  long own = syscall(SYS_gettid);
  int directory = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
  char buffer[4096] __attribute__((aligned(8)));
  long bytes;
  while (directory >= 0 && (bytes = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
    for (long place = 0; place < bytes;) {
      struct dirent64 *entry = (struct dirent64 *)(buffer + place);
      long thread = 0;
      for (const char *digit = entry->d_name; *digit >= '0' && *digit <= '9'; digit++) thread = 10 * thread + (*digit - '0');
      if (thread > 0 && thread != own) ask(thread);
      place += entry->d_reclen;
    }
  }
  if (directory >= 0) close(directory);
  put("\n");
  errno = before;
}

void stacks_print_on_quit(void) {
  // The first call loads what unwinds: not from within a signal.
  void *frame;
  backtrace(&frame, 1);
  struct sigaction action = {0};
  action.sa_flags = SA_RESTART;
  // Nothing interrupts the one that prints but the stacks that it waits for.
  sigfillset(&action.sa_mask);
  action.sa_handler = on_own_signal;
  sigaction(own_signal(), &action, NULL);
  action.sa_handler = on_quit;
  sigaction(SIGQUIT, &action, NULL);
  // Whoever started us may have blocked them in the thread it did it from.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, own_signal());
  sigaddset(&signals, SIGQUIT);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

__attribute__((constructor)) static void begin(void) {
  if (getenv("DEEPFM_STACKS")) stacks_print_on_quit();
}
