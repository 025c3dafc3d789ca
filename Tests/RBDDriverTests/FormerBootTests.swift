import InMemoryPorts
import Testing
import VolumeCore

@testable import RBDDriver

/// What reboots leave on the blocklist, and what a run of the plugin remembers of mounts.
@Suite struct FormerBootTests {
    private let cluster = SimulatedCluster()
    private let image = ImageReference(pool: "rbd", name: "db")

    /// Node a has had the volume mounted and is rebooted.
    /// - Returns: the client of the mapping that ended with it.
    private func reboot() async throws -> ClientAddress {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        let client = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        cluster.mutate { world in
            world.reboot("a")
            world.advance(by: .seconds(60))
        }
        return client
    }

    @Test("B10: after a reboot no entry of the earlier boot stays on the blocklist", arguments: [true, false])
    func b10RebootLeavesNoEntry(byRecovery: Bool) async throws {
        let client = try await reboot()
        let driver = DriverFixture.driver(cluster)
        if byRecovery { try await driver.recover() } else { _ = try await driver.mount("db", id: "m2") }
        #expect(cluster.calls.contains { $0.operation == .fenceBlocklist && $0.subject == client.text })
        #expect(!cluster.world.isFenced(client))
        if byRecovery { #expect(cluster.world.etcd.attachments.isEmpty) }
    }

    @Test("B10: the entry stays while Ceph still shows the client, and where its address is another machine's")
    func b10EntryStaysInDoubt() async throws {
        let client = try await reboot()
        let plain = DriverFixture.driver(cluster)
        var ports = plain.ports
        ports.formerClients = Elsewhere(base: ports.formerClients)
        let driver = VolumeDriver(ports: ports, settings: plain.settings, me: plain.me, log: plain.log)
        try await driver.recover()
        #expect(cluster.world.etcd.attachments.isEmpty)
        #expect(cluster.world.isFenced(client))
    }

    @Test("B10: another node's fence keeps its entry")
    func b10FenceOfAnotherNodeStays() async throws {
        let client = try await reboot()
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        #expect(cluster.world.isFenced(client))
    }

    @Test("B10: a run remembers no more mounts than those of the last minute")
    func b10MountsAreForgotten() {
        let memory = DriverMemory(startedAt: Moment(sinceOrigin: .zero))
        for second in 0..<1000 {
            guard let name = try? VolumeName("v\(second)") else { continue }
            let now = Moment(sinceOrigin: .seconds(second))
            memory.noteMount(of: name, at: now, keptFor: .seconds(60))
            #expect(memory.mayHaveBeenMounted(name, within: .seconds(60), of: now + .seconds(59)))
            #expect(memory.rememberedMounts <= 60)
        }
    }
}

/// A host that goes by this node's name, with another address.
private struct Elsewhere: FormerClients {
    let base: any FormerClients

    func all() async throws -> [ClientAddress] { try await base.all() }
    func isThisMachines(_ client: ClientAddress) async throws -> Bool { false }
    func forget(_ client: ClientAddress) async throws { try await base.forget(client) }
}
