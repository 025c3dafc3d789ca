import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A Get that neither the node's copy nor etcd can answer yet.
@Suite struct PatientGetTests {
    private let cluster = SimulatedCluster()
    private let faults = ScriptedFaults()

    /// A plugin that starts while etcd is away: another node has created `db`.
    private func lateDriver() async throws -> VolumeDriver {
        try await DriverFixture.driver(cluster, on: "b").create("db", options: DriverFixture.options)
        cluster.mutate { $0.cut("a", from: .etcd) }
        cluster.intercept(with: faults)
        return DriverFixture.driver(cluster)
    }

    @Test("E11: until the records are read, a Get and a Path wait for etcd, and tell the truth then")
    func e11AGetWaitsForEtcd() async throws {
        let driver = try await lateDriver()
        faults.run(.sleep, .after, skipping: 5) { [cluster] _ in cluster.mutate { $0.heal("a", to: .etcd) } }
        #expect(try await driver.get("db").volume.name.text == "db")
        cluster.mutate { $0.cut("a", from: .etcd) }
        let restarted = DriverFixture.driver(cluster)
        faults.run(.sleep, .after, skipping: 5) { [cluster] _ in cluster.mutate { $0.heal("a", to: .etcd) } }
        #expect(try await restarted.path("db") == "")
    }

    @Test("E11: after waiting, only etcd's word makes a volume unknown")
    func e11OnlyEtcdDenies() async throws {
        let driver = try await lateDriver()
        faults.run(.sleep, .after, skipping: 5) { [cluster] _ in cluster.mutate { $0.heal("a", to: .etcd) } }
        #expect(try #require(await errorOf { try await driver.get("unheard-of") }).code == .notFound)
    }

    @Test("E11: a Get ends within its budget when etcd stays away, without a word on whether the volume exists")
    func e11AGetEndsInTime() async throws {
        let driver = try await lateDriver()
        let began = cluster.world.now
        let error = try #require(await errorOf { try await driver.get("db") })
        #expect(error.code == .timedOut || error.code == .unavailable)
        let waited = cluster.world.now - began
        #expect(waited > driver.settings.workBudget)
        #expect(waited <= driver.settings.workBudget + driver.settings.undoBudget)
    }

    @Test("E11: a record that cannot be read is no reason to wait")
    func e11UnreadableIsSaidAtOnce() async throws {
        let driver = try await lateDriver()
        cluster.mutate { $0.heal("a", to: .etcd) }
        faults.fail(
            .storeRead, times: 100, with: VolumeError(.unexplained, "read", why: "no record", outcome: .refused))
        let began = cluster.world.now
        #expect(try #require(await errorOf { try await driver.get("unheard-of") }).code == .unexplained)
        #expect(cluster.world.now == began)
    }
}
