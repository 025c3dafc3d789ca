#pragma once
#include <rados/librados.h>
#include <sys/prctl.h>

// What the Clang importer does not bring over: function-like macros, and constants whose
// definition is a cast. Each is given its own typed function, named after the macro.

/// LIBRADOS_SNAP_HEAD: the snapshot id that means "the image itself".
static inline uint64_t crados_snap_head(void) { return LIBRADOS_SNAP_HEAD; }

/// LIBRADOS_VERSION_CODE of the headers that this was compiled against.
static inline int crados_version_code(void) { return LIBRADOS_VERSION_CODE; }

/// LIBRADOS_VERSION(major, minor, extra).
static inline int crados_version(int major, int minor, int extra) {
    return LIBRADOS_VERSION(major, minor, extra);
}

/// prctl(PR_SET_NAME): names the calling thread, as `ps -L` shows it. prctl is variadic. The
/// kernel keeps the first 15 bytes.
static inline void crados_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
