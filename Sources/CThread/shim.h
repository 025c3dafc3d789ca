#pragma once
#include <sys/prctl.h>

/// prctl(PR_SET_NAME): names the calling thread, as `ps -L` shows it. prctl is variadic. The kernel keeps the first 15 bytes.
static inline void cthread_set_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
