#pragma once
#include <rbd/librbd.h>

// What the Clang importer does not bring over: function-like macros, and constants whose
// definition is an expression over other macros. Each is given its own typed function,
// named after the macro.

/// RBD_FEATURES_DEFAULT: what librbd gives an image when nothing else is said.
static inline uint64_t crbd_features_default(void) { return RBD_FEATURES_DEFAULT; }

/// RBD_FEATURES_ALL: every feature these headers know.
static inline uint64_t crbd_features_all(void) { return RBD_FEATURES_ALL; }

/// RBD_FEATURES_MUTABLE: what can be switched on and off on an existing image.
static inline uint64_t crbd_features_mutable(void) { return RBD_FEATURES_MUTABLE; }

/// LIBRBD_VERSION_CODE of the headers that this was compiled against.
static inline int crbd_version_code(void) { return LIBRBD_VERSION_CODE; }

/// LIBRBD_VERSION(major, minor, extra).
static inline int crbd_version(int major, int minor, int extra) {
    return LIBRBD_VERSION(major, minor, extra);
}
