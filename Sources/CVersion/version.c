#include "version.h"

// A translation unit of its own: another version compiles this file anew, and nothing else.
#ifndef RBD_PLUGIN_VERSION
#define RBD_PLUGIN_VERSION "5.0.0-dev"
#endif

const char *rbd_plugin_version(void) { return RBD_PLUGIN_VERSION; }
