#pragma once
#include <rados/librados.h>

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
