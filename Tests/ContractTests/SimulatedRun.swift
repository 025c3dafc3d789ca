import InMemoryPorts
import PortContracts
import Testing
import VolumeCore

extension SimulatedCluster {
    /// Nodes on which the plugin has never run.
    var formerClients: FormerClientsContract {
        FormerClientsContract(
            start: { try SimulatedRun(self, on: "a") }, startElsewhere: { try SimulatedRun(self, on: "b") },
            reboot: { self.mutate { $0.reboot("a") } }, here: "10.0.0.1", elsewhere: "10.0.0.2")
    }
}

private struct SimulatedRun: ConnectedRun {
    let cluster: SimulatedCluster
    let ports: NodePorts
    let client: ClientAddress

    init(_ cluster: SimulatedCluster, on node: String) throws {
        self.cluster = cluster
        ports = cluster.startPlugin(on: node)
        client = try #require(cluster.world.nodes[node]?.pluginClient)
    }

    var formerClients: any FormerClients { ports.formerClients }

    func kill() { cluster.mutate { $0.killPlugin(on: ports.identity.node) } }
}
