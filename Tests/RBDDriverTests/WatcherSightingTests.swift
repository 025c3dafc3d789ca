import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// What `Status` says of an image's watchers is what was seen last.
@Suite struct WatcherSightingTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])

    private func mounted() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        return driver
    }

    @Test func theOwnersClientShowsOnceSomebodyHasLooked() async throws {
        let driver = try await mounted()
        #expect(try await driver.get("db").watchers == nil)
        await driver.lookAtWatchers()
        let view = try await driver.get("db")
        #expect(view.watchers?.watchers == view.attachment?.clients)
        #expect(view.attachment?.clients.count == 1)
    }

    @Test func anotherNodeLooksOnlyAtWhatItWasAskedAbout() async throws {
        _ = try await mounted()
        let other = DriverFixture.driver(cluster, on: "b")
        await other.lookAtWatchers()
        #expect(try await other.get("db").watchers == nil)
        await other.lookAtWatchers()
        let view = try await other.get("db")
        #expect(view.watchers?.watchers == view.attachment?.clients)
    }

    @Test func theNewestSnapshotsShowOfAVolumeThatWasAskedAbout() async throws {
        let driver = try await mounted()
        let snapshots = SnapshotActions(cluster.startPlugin(on: "desk"))
        for number in 1...60 { _ = try await snapshots.create("s\(number)", of: "db", frozen: false) }
        await driver.lookAtWatchers()
        #expect(try await driver.get("db").watchers?.snapshots == nil)
        await driver.lookAtWatchers()
        let seen = try await driver.get("db").watchers?.snapshots
        #expect(seen?.count == 60 && seen?.newest.map(\.name) == (11...60).map { "s\($0)" })
        cluster.mutate { $0.advance(by: .seconds(31)) }
        _ = try await snapshots.create("s61", of: "db", frozen: false)
        _ = try await driver.get("db")
        await driver.lookAtWatchers()
        #expect(try await driver.get("db").watchers?.snapshots?.count == 61)
    }

    @Test func snapshotsThatCannotBeListedAreAbsent() async throws {
        let driver = try await mounted()
        _ = try await driver.get("db")
        let faults = ScriptedFaults()
        faults.fail(.snapshotList, times: .max)
        cluster.intercept(with: faults)
        await driver.lookAtWatchers()
        let view = try await driver.get("db")
        #expect(view.watchers?.watchers.count == 1 && view.watchers?.snapshots == nil)
    }

    @Test func aGetNeverLooksAtCeph() async throws {
        let driver = try await mounted()
        await driver.lookAtWatchers()
        let before = try await driver.get("db").watchers
        let faults = ScriptedFaults()
        faults.fail(.imageWatchers, times: .max)
        cluster.intercept(with: faults)
        cluster.mutate { $0.advance(by: .seconds(60)) }
        await driver.lookAtWatchers()
        #expect(before != nil)
        #expect(try await driver.get("db").watchers == before)
    }

    @Test func aSightingIsRenewedAfterHalfAMinute() async throws {
        let driver = try await mounted()
        await driver.lookAtWatchers()
        try await driver.unmount("db", id: "m1")
        _ = try await driver.get("db")
        await driver.lookAtWatchers()
        #expect(try await driver.get("db").watchers?.watchers.count == 1)
        cluster.mutate { $0.advance(by: .seconds(31)) }
        await driver.lookAtWatchers()
        #expect(try await driver.get("db").watchers?.watchers == [])
    }
}
