// RBDDriverTests: placeholder until its first file lands.
