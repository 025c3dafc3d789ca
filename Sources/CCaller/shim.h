#pragma once
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// prctl(2) is variadic. PR_SET_PDEATHSIG: this process gets SIGTERM when its parent ends. Returns 0, or -1 and errno.
static inline int ccaller_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, (long)SIGTERM, 0L, 0L, 0L); }

/// openat2(2), for which the C library has no function: opens what a path means where `root` is the root folder, with all
/// symbolic links on the way, as a handle (O_PATH). Linux 5.6 and later. Returns a descriptor, or -1 and errno.
static inline int ccaller_find(int root, const char *path) {
    struct open_how how = {.flags = __O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}
