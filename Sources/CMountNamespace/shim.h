#pragma once

// <sched.h> declares it for GNU programs alone.
extern int unshare(int flags);

/// unshare(2) with CLONE_NEWNS: this process gets a copy of all mounts for itself.
static inline int cmountnamespace_unshare(void) { return unshare(0x00020000); }
