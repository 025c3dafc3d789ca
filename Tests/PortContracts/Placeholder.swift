// PortContracts: placeholder until its first file lands.
