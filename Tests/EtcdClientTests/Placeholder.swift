// EtcdClientTests: placeholder until its first file lands.
