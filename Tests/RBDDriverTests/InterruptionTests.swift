import InMemoryPorts
import RBDDriver
import Synchronization
import Testing
import VolumeCore

/// Every operation is interrupted before and after each of its effects; the same call again must make it good.
@Suite struct InterruptionTests {
    enum Operation: String, CaseIterable, Sendable {
        case create, clone, mount, unmount, remove, readerMount, readerUnmount

        /// Whether the volume is one that many nodes read.
        var isOfReader: Bool { self == .readerMount || self == .readerUnmount }

        /// Brings the volume to where the operation begins.
        func prepare(_ driver: VolumeDriver) async throws {
            if self == .create { return }
            if self == .clone { return try await driver.create("parent", options: DriverFixture.options) }
            if isOfReader {
                try await driver.create("parent", options: DriverFixture.options)
                try await driver.create("db", options: ["from": "parent", "access": "read-only"])
            } else {
                try await driver.create("db", options: DriverFixture.options)
            }
            if self == .unmount || self == .readerUnmount { _ = try await driver.mount("db", id: "m1") }
        }

        func run(_ driver: VolumeDriver) async throws {
            switch self {
            case .create: try await driver.create("db", options: DriverFixture.options)
            case .clone: try await driver.create("db", options: ["from": "parent"])
            case .mount, .readerMount: _ = try await driver.mount("db", id: "m1")
            case .unmount, .readerUnmount: try await driver.unmount("db", id: "m1")
            case .remove: try await driver.remove("db")
            }
        }
    }

    enum Blow: String, CaseIterable, Sendable {
        case pluginKilledBefore, pluginKilledAfter, nodeRebootedBefore, nodeRebootedAfter
        case requestLost, answerLost, requestLate
    }

    /// Repeats the operation, each time interrupted one effect later, until an interruption comes too late to hit.
    @Test(arguments: Operation.allCases, Blow.allCases)
    func theSameCallAgainMakesItGood(_ operation: Operation, _ blow: Blow) async throws {
        var hits = 0
        while hits < 200 {
            let cluster = SimulatedCluster()
            try await operation.prepare(DriverFixture.driver(cluster))
            let interruption = Interruption(blow, at: hits, in: cluster)
            var driver = DriverFixture.driver(cluster)
            cluster.intercept(with: interruption)
            do { try await operation.run(driver) } catch {}
            guard interruption.hasHit else { break }
            hits += 1
            cluster.intercept(with: NoFaults())
            interruption.deliverLate()
            if !cluster.world.isPluginRunning(on: "a") {
                driver = DriverFixture.driver(cluster)
                try await driver.recover()
            }
            // What a killed plugin had open is in nobody's way; what a node that lost its power had mapped shows as watched
            // for half a minute.
            if blow != .pluginKilledAfter, blow != .pluginKilledBefore {
                cluster.mutate { $0.advance(by: .seconds(40)) }
            }
            try await repeatAndCheck(operation, driver, cluster, "\(blow) at effect \(hits)")
        }
        #expect(hits > 3, "the operation has effects to interrupt")
        #expect(hits < 200)
    }

    private func repeatAndCheck(
        _ operation: Operation, _ driver: VolumeDriver, _ cluster: SimulatedCluster, _ context: String
    ) async throws {
        do {
            try await operation.run(driver)
        } catch let error as VolumeError where operation == .remove && error.code == .notFound {
            // It had happened; only the answer was lost.
        } catch {
            Issue.record("\(operation) again after \(context): \(error)")
            return
        }
        let world = cluster.world
        switch operation {
        case .create:
            #expect(finished(world.imageNames, context) == ["db"], "after \(context)")
            #expect(world.devices(of: "a").isEmpty, "after \(context)")
        case .clone:
            #expect(finished(world.imageNames, context) == ["db", "parent"], "after \(context)")
            #expect(world.devices(of: "a").isEmpty, "after \(context)")
            expectClone(cluster, context)
        case .mount, .readerMount:
            #expect(world.devices(of: "a").count == 1, "after \(context)")
            #expect(world.mounts(of: "a") == ["/mnt/volumes/db"], "after \(context)")
        case .unmount, .readerUnmount:
            #expect(world.devices(of: "a").isEmpty, "after \(context)")
            #expect(world.etcd.attachments.isEmpty && world.etcd.readers.isEmpty, "after \(context)")
        case .remove:
            #expect(world.leftovers.isEmpty, "after \(context)")
            return
        }
        await endWell(
            driver, cluster, context, removing: operation == .clone || operation.isOfReader ? ["db", "parent"] : ["db"])
    }

    /// A snapshot that was taken late stays, for an operator to remove.
    private func expectClone(_ cluster: SimulatedCluster, _ context: String) {
        let parent = ImageReference(pool: "rbd", name: "parent")
        let images = cluster.world.ceph.images
        #expect(images[parent.named("db")]?.filesystem?.uuid != images[parent]?.filesystem?.uuid, "after \(context)")
        guard context.hasPrefix("requestLate") else {
            #expect(images[parent]?.snapshots.isEmpty == true, "after \(context)")
            return
        }
        for snapshot in images[parent]?.snapshots ?? [] {
            cluster.mutate { $0.removeSnapshot(snapshot.id, ofImage: images[parent]?.id ?? "") }
        }
    }

    /// A request to create that takes effect after it was given up leaves an unfinished image, which no later call can
    /// have known of. Everything else is cleaned up.
    private func finished(_ names: [String], _ context: String) -> [String] {
        context.hasPrefix("requestLate") ? names.filter { !$0.contains(VolumeRecord.unfinishedPrefix) } : names
    }

    /// Whatever happened before: the volume can be used and removed, and nothing is left.
    private func endWell(
        _ driver: VolumeDriver, _ cluster: SimulatedCluster, _ context: String, removing volumes: [String]
    ) async {
        do {
            let mountpoint = try await driver.mount("db", id: "last")
            if cluster.world.etcd.volumes.values.allSatisfy({ !$0.record.isShared }) {
                try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
            }
            // A Mount that was repeated after a lost answer has counted its id twice.
            for id in ["last", "m1", "m1", "m1"] { try await driver.unmount("db", id: id) }
            for volume in volumes {
                try await driver.remove(volume)
                await driver.emptyTrash()
            }
            #expect(finished(cluster.world.leftovers, context).isEmpty, "after \(context)")
        } catch {
            Issue.record("after \(context): \(error)")
        }
    }
}

/// Strikes at the n-th effect.
private final class Interruption: PortHook {
    private struct State {
        var remaining: Int
        var hasHit = false
        var late: [@Sendable () throws -> Void] = []
    }

    private let state: Mutex<State>
    private let blow: InterruptionTests.Blow
    private let cluster: SimulatedCluster

    init(_ blow: InterruptionTests.Blow, at index: Int, in cluster: SimulatedCluster) {
        self.blow = blow
        self.cluster = cluster
        state = Mutex(State(remaining: index))
    }

    var hasHit: Bool { state.withLock { $0.hasHit } }

    func deliverLate() {
        let late = state.withLock { $0.late }
        for effect in late { try? effect() }
    }

    func perform(_ call: PortCall, _ effect: @escaping @Sendable () throws -> Void) async throws {
        guard call.operation != .sleep, strikes() else { return try effect() }
        switch blow {
        case .pluginKilledBefore: try killPlugin()
        case .nodeRebootedBefore: try reboot()
        case .pluginKilledAfter:
            try effect()
            try killPlugin()
        case .nodeRebootedAfter:
            try effect()
            try reboot()
        case .requestLost: throw ScriptedFaults.lost(call.operation)
        case .answerLost:
            try effect()
            throw ScriptedFaults.lost(call.operation)
        case .requestLate:
            state.withLock { $0.late.append(effect) }
            throw ScriptedFaults.lost(call.operation)
        }
    }

    private func strikes() -> Bool {
        state.withLock { state in
            guard !state.hasHit else { return false }
            if state.remaining == 0 {
                state.hasHit = true
                return true
            }
            state.remaining -= 1
            return false
        }
    }

    private func killPlugin() throws {
        cluster.mutate { $0.killPlugin(on: "a") }
        throw PluginIsGone()
    }

    private func reboot() throws {
        cluster.mutate { $0.reboot("a") }
        throw PluginIsGone()
    }
}
