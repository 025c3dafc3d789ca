#pragma once

#include <linux/fs.h>
#include <sys/ioctl.h>

// <unistd.h> shows it to C with _GNU_SOURCE only.
extern int syncfs(int descriptor);

/// syncfs(2): what the filesystem still has to write is written.
static inline int cfreeze_sync(int descriptor) { return syncfs(descriptor); }

/// ioctl_fsfreeze(2): from now on nobody can write to the filesystem, and it is whole on its device. EBUSY when it is frozen.
static inline int cfreeze_freeze(int descriptor) { return ioctl(descriptor, FIFREEZE, 0); }

/// The opposite. EINVAL when it is not frozen.
static inline int cfreeze_thaw(int descriptor) { return ioctl(descriptor, FITHAW, 0); }
