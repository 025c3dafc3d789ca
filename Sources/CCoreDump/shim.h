#pragma once
#include <sys/prctl.h>
#include <sys/resource.h>

/// prctl(2) is variadic. PR_SET_DUMPABLE: the kernel writes no core of this process, nor gives one to a program, and lets
/// nobody without CAP_SYS_PTRACE look into it. Ends with execve(2). Returns 0, or -1 and errno.
static inline int ccoredump_forbid(void) { return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); }

/// setrlimit(2) of RLIMIT_CORE to nothing, which children keep. Returns 0, or -1 and errno.
static inline int ccoredump_limit(void) {
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}
