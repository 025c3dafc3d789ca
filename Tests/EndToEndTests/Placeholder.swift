// EndToEndTests: placeholder until its first file lands.
