// InMemoryPorts: placeholder until its first file lands.
