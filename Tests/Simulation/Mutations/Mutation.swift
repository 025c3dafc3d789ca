import InMemoryPorts
import RBDDriver
import VolumeCore

/// A deliberate defect: what the simulation must find.
public enum Mutation: String, Sendable, CaseIterable {
    case placeholder

    func apply(_ ports: inout DriverPorts, _ node: NodePorts) {}
}
