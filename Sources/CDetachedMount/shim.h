#pragma once

#include <stddef.h>
#include <sys/syscall.h>

// <unistd.h> declares it for GNU programs alone. glibc has these calls under their names since 2.36 only.
extern long syscall(long number, ...);

/// fsopen(2) with FSOPEN_CLOEXEC: a filesystem that is about to be mounted.
static inline int cdetachedmount_open(const char *type) { return (int)syscall(SYS_fsopen, type, 1U); }

/// fsconfig(2) with FSCONFIG_SET_FLAG: a mount option without a value.
static inline int cdetachedmount_set(int filesystem, const char *flag) {
    return (int)syscall(SYS_fsconfig, filesystem, 0U, flag, NULL, 0);
}

/// fsconfig(2) with FSCONFIG_SET_STRING: "source" is the device.
static inline int cdetachedmount_set_value(int filesystem, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, filesystem, 1U, key, value, 0);
}

/// fsconfig(2) with FSCONFIG_CMD_CREATE: the filesystem with the options so far.
static inline int cdetachedmount_create(int filesystem) {
    return (int)syscall(SYS_fsconfig, filesystem, 6U, NULL, NULL, 0);
}

/// fsmount(2) with FSMOUNT_CLOEXEC and MOUNT_ATTR_NOSUID, _NODEV and _NOEXEC: its root folder, without a mountpoint.
static inline int cdetachedmount_mount(int filesystem) {
    return (int)syscall(SYS_fsmount, filesystem, 1U, 0x2U | 0x4U | 0x8U);
}
