import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Images whose bytes go to several objects in turn.
@Suite struct StripingTests {
    private let cluster = SimulatedCluster()
    private let image = ImageReference(pool: "rbd", name: "db")
    private let striped = ["pool": "rbd", "size": "206", "stripe-unit": "64K", "stripe-count": "4"]

    private func record() async throws -> VolumeRecord? {
        try await cluster.startPlugin(on: "b").store.read(VolumeName("db")).volume?.record
    }

    @Test("The image is striped as asked for, and the same Create again finds the volume")
    func created() async throws {
        let driver = DriverFixture.driver(cluster)
        for _ in 0..<2 { try await driver.create("db", options: striped) }
        #expect(cluster.world.ceph.images[image]?.striping == ImageStriping(unit: 64 << 10, count: 4))
        #expect(try await record()?.spec.striping == ImageStriping(unit: 64 << 10, count: 4))
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("Where the mapper cannot map striped images, the refusal names the options to leave out, and nothing is made")
    func unmappable() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.mutate { $0.withdraw(.striping, on: "a") }
        let error = try #require(await errorOf { try await driver.create("db", options: striped) })
        #expect(error.code == .unsupported && error.outcome == .refused)
        #expect(error.why.contains("striping"))
        #expect(error.remedy.contains("stripe-unit") && error.remedy.contains("stripe-count"))
        #expect(cluster.world.leftovers.isEmpty)
        try await driver.create("db", options: DriverFixture.options)
    }

    @Test("An image that is adopted keeps its stripes, whatever the options say, and its record stays readable")
    func adopted() async throws {
        var spec = VolumeSpec(pool: "rbd", size: .mebibytes(512))
        // Finer than the plugin makes any.
        (spec.stripeUnit, spec.stripeCount) = (512, 5000)
        _ = try await cluster.startPlugin(on: "b").formatter.createFormatted(image, spec: spec, uid: "of another life")
        let driver = DriverFixture.driver(cluster)
        let options = ["pool": "rbd", "adopt": "true", "stripe-unit": "64K", "stripe-count": "4"]
        try await driver.create("db", options: options)
        let record = try #require(try await record())
        #expect(record.spec.striping == ImageStriping(unit: 512, count: 5000))
        #expect(throws: Never.self) { try record.check() }
        _ = try await driver.mount("db", id: "m1")
    }
}
