// DockerVolumeAPI: placeholder until its first file lands.
