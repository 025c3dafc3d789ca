// DockerVolumeAPITests: placeholder until its first file lands.
