#pragma once

/// From now on SIGQUIT prints the stacks of all threads to standard error, and the process goes on. A process that is started
/// with DEEPFM_STACKS in its environment does so by itself.
void stacks_print_on_quit(void);
