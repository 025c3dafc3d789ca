// Rig: placeholder until its first file lands.
