import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Time limits that change while the driver works, on simulated nodes: their time passes by waiting alone.
@Suite("Budgets that change") struct ChangedBudgetTests {
    private let cluster = SimulatedCluster()

    @Test("A Mount waits for another node as long as is said now, also a driver that was copied before")
    func handOverWait() async throws {
        let owner = DriverFixture.driver(cluster, on: "b")
        try await owner.create("db", options: DriverFixture.options)
        _ = try await owner.mount("db", id: "m1")
        let driver = DriverFixture.driver(cluster)
        let copy = driver
        var waited: [Duration] = []
        for seconds in [10, 3, 0] {
            driver.changeBudgets(work: .seconds(18), undo: .seconds(6), handOverWait: .seconds(seconds))
            cluster.mutate { $0.renewHeartbeat(of: "b") }
            let began = cluster.world.now
            let error = try #require(await errorOf { _ = try await copy.mount("db", id: "m2") })
            #expect(error.code == .ownedElsewhere)
            waited.append(cluster.world.now - began)
        }
        #expect(waited == waited.sorted(by: >) && waited[0] >= .seconds(10) && waited[1] >= .seconds(3))
        #expect(waited[1] < .seconds(10) && waited[2] < .seconds(3), "\(waited)")
    }

    @Test("The settings are as they are now, and what cannot change stays")
    func settings() {
        let driver = DriverFixture.driver(cluster)
        driver.changeBudgets(work: .seconds(7), undo: .seconds(2), handOverWait: .seconds(1))
        let settings = driver.settings
        #expect(settings.workBudget == .seconds(7) && settings.undoBudget == .seconds(2))
        #expect(settings.handOverWait == .seconds(1) && settings.mountRoot == DriverFixture.mountRoot)
    }
}
