#pragma once

/// The version that was given to the build as RBD_PLUGIN_VERSION; "5.0.0-dev" without one.
const char *rbd_plugin_version(void);
