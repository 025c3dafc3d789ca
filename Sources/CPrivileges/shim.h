#pragma once
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// prctl(2) is variadic. PR_SET_NO_NEW_PRIVS: no program that this thread becomes wins privileges, by set-user-id or by
/// capabilities of its file; threads and children that it starts inherit that. Returns 0, or -1 and errno.
static inline int cprivileges_win_none(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L); }

/// capset(2), for which the C library has no function: gives up all capabilities but those of the mask, and passes none on
/// beside them. With cprivileges_win_none() root's programs do not get them back. Returns 0, or -1 and errno.
static inline int cprivileges_keep(uint64_t mask) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capget, &header, held) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        held[half].permitted &= (uint32_t)(mask >> (32 * half));
        held[half].effective = held[half].permitted;
        held[half].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, held);
}
