import InMemoryPorts
import PortContracts
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

@Suite("Trims of mounted volumes") struct TrimTests {
    private let cluster = SimulatedCluster(pools: ["rbd", "slow"])
    private let faults = ScriptedFaults()

    private func mounted(_ name: String = "db", pool: String = "rbd", discard: String = "daily") async throws
        -> (VolumeDriver, String)
    {
        let driver = DriverFixture.driver(cluster)
        return (driver, try await mount(name, pool: pool, discard, driver))
    }

    private func mount(_ name: String, pool: String = "rbd", _ discard: String, _ driver: VolumeDriver) async throws
        -> String
    {
        try await driver.create(name, options: ["pool": pool, "size": "206"])
        cluster.mutate { _ = $0.setValues([.discard: discard], of: name) }
        let mountpoint = try await driver.mount(name, id: "m-\(name)")
        try cluster.mutate { world in
            try world.fill(100 << 20, on: "a", at: mountpoint)
            try world.empty(100 << 20, on: "a", at: mountpoint)
        }
        return mountpoint
    }

    private func kept(_ name: String = "db", pool: String = "rbd") -> UInt64 {
        cluster.world.allocated(ImageReference(pool: pool, name: name))
    }

    private var trims: Int { cluster.calls.count { $0.operation == .filesystemTrim } }

    private func pass(_ duration: Duration) {
        cluster.mutate { world in
            world.advance(by: duration)
            world.renewHeartbeat(of: "a")
        }
    }

    private func trimmedAt(_ name: String) throws -> WallTime? {
        cluster.world.etcd.volumes[try VolumeName(name)]?.record.trimmedAt
    }

    @Test("A day's trim gives back what removed files have had, once a day, and the record says when")
    func daily() async throws {
        let (driver, _) = try await mounted()
        for _ in 1...72 {
            await driver.trimWhereDue()
            pass(.seconds(3600))
        }
        await driver.trimWhereDue()
        #expect(trims == 3 && kept() == 0)
        let now = driver.ports.clock.wallTime()
        let last = try #require(try trimmedAt("db"))
        #expect(last <= now && now - last < .seconds(86_400))
        #expect(driver.trimTotals.trims == 3 && driver.trimTotals.bytes >= 3 * 200 << 20)
    }

    @Test("Another run of the plugin knows of the trim before it, and makes up for one that was missed")
    func restarts() async throws {
        var (driver, _) = try await mounted()
        await driver.trimWhereDue()
        pass(.seconds(86_400))
        await driver.trimWhereDue()
        #expect(trims == 1)
        driver = DriverFixture.driver(cluster)
        await driver.trimWhereDue()
        #expect(trims == 1)
        pass(.seconds(5 * 86_400))
        for _ in 0..<3 { await driver.trimWhereDue() }
        #expect(trims == 2)
    }

    @Test("Volumes without a schedule are left alone", arguments: ["off", "online"])
    func unscheduled(_ discard: String) async throws {
        let (driver, _) = try await mounted(discard: discard)
        await driver.trimWhereDue()
        pass(.seconds(30 * 86_400))
        await driver.trimWhereDue()
        #expect(trims == 0)
    }

    @Test("A volume whose blocks are to be given back at once is mounted so")
    func online() async throws {
        _ = try await mounted(discard: "online")
        #expect(kept() == 0)
    }

    @Test("An Unmount does not wait for a trim: it ends it, and the volume is gone from the node")
    func unmount() async throws {
        let (driver, _) = try await mounted()
        await driver.trimWhereDue()
        pass(.seconds(86_400))
        faults.run(.filesystemTrim, .before) { _ in
            while !Task.isCancelled { await Task.yield() }
            throw VolumeError(.timedOut, "trim", why: "it was cancelled", outcome: .unknown)
        }
        cluster.intercept(with: faults)
        async let trim: Void = driver.trimWhereDue()
        try await eventually("the trim to begin") { trims == 1 }
        try await driver.unmount("db", id: "m-db")
        await trim
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
        #expect(try trimmedAt("db") == nil)
    }

    @Test("A pool's volumes are trimmed one after the other, beside those of a pool that hangs")
    func pools() async throws {
        let (driver, _) = try await mounted("stuck", pool: "slow")
        for name in ["one", "two"] { _ = try await mount(name, "daily", driver) }
        await driver.trimWhereDue()
        pass(.seconds(86_400))
        let hung = Latch()
        let stuck = try #require(
            cluster.world.nodes["a"]?.kernel.devices.values.first { $0.image.pool == "slow" }?.path)
        faults.run(.filesystemTrim, .before, times: .max) { if $0.subject == stuck { await hung.pass() } }
        cluster.intercept(with: faults)
        async let first: Void = driver.trimWhereDue()
        do {
            try await eventually("the others to be trimmed") {
                try trimmedAt("one") != nil && trimmedAt("two") != nil
            }
        } catch {
            hung.open()
            throw error
        }
        await driver.trimWhereDue()
        #expect(trims == 3 && kept("stuck", pool: "slow") == 100 << 20)
        hung.open()
        await first
        #expect(kept("stuck", pool: "slow") == 0)
    }

    @Test("A trim that fails is tried again after an hour, and not before")
    func failure() async throws {
        let (driver, _) = try await mounted()
        await driver.trimWhereDue()
        pass(.seconds(86_400))
        faults.fail(.filesystemTrim, with: VolumeError(.unavailable, "trim", why: "Input/output error"))
        cluster.intercept(with: faults)
        for _ in 0..<3 { await driver.trimWhereDue() }
        #expect(trims == 1 && kept() > 0)
        pass(.seconds(3600))
        await driver.trimWhereDue()
        #expect(trims == 2 && kept() == 0)
    }
}
