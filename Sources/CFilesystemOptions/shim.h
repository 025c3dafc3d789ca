#pragma once

// The C library of Debian 12 declares these calls in a header that cannot be read together with the kernel's; their numbers are
// the same on all machines.
extern long syscall(long number, ...);

/// fspick(2) of what the descriptor stands for, which is the root of a mount: a new descriptor, or -1.
static inline int cfilesystemoptions_pick(int mount) {
    // FSPICK_CLOEXEC and FSPICK_EMPTY_PATH.
    return (int)syscall(433, mount, "", 1 | 8);
}

/// fsconfig(2): FSCONFIG_SET_FLAG, or FSCONFIG_SET_STRING with a value.
static inline int cfilesystemoptions_set(int picked, const char *option, const char *value) {
    return (int)syscall(431, picked, value ? 1 : 0, option, value, 0);
}

/// fsconfig(2): FSCONFIG_CMD_RECONFIGURE, which changes what was set and leaves all else as it is.
static inline int cfilesystemoptions_apply(int picked) { return (int)syscall(431, picked, 7, 0, 0, 0); }
