// VolumeCore: placeholder until its first file lands.
