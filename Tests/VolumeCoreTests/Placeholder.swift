// VolumeCoreTests: placeholder until its first file lands.
