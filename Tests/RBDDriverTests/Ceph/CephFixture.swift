import Glibc
import Logging
import RBDDriver
import Rig
import Testing

/// Everything here talks to the one Ceph of the rig; some of it stops that Ceph's servers.
@Suite("Ceph", .serialized)
enum CephTests {}

/// A connection to the rig's Ceph as the least-privilege client, and a pool to work in.
struct CephFixture {
    let environment: RigEnvironment
    let connection: CephConnection
    let images: RBDImages

    var rig: CephRig { CephRig(environment) }

    static let mebibyte: UInt64 = 1 << 20

    /// Runs a test with a connection and closes it afterwards.
    static func with<T>(
        _ change: (inout CephSettings, RigEnvironment) -> Void = { _, _ in },
        _ body: (CephFixture) async throws -> T
    ) async throws -> T {
        try await with(RigEnvironment.required(), change, body)
    }

    /// The same beside a rig that the test may disturb.
    static func with<T>(
        _ environment: RigEnvironment, _ change: (inout CephSettings, RigEnvironment) -> Void = { _, _ in },
        _ body: (CephFixture) async throws -> T
    ) async throws -> T {
        var settings = settings(environment)
        change(&settings, environment)
        let connection = connection(settings)
        let fixture = CephFixture(
            environment: environment, connection: connection,
            images: RBDImages(ImageLocation(pool: environment.pool), connection: connection))
        do {
            let value = try await body(fixture)
            try await connection.close()
            return value
        } catch {
            try? await connection.close()
            throw error
        }
    }

    static func connection(_ settings: CephSettings) -> CephConnection {
        CephConnection(settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func settings(_ environment: RigEnvironment) -> CephSettings {
        CephSettings(
            user: environment.cephUser, confFile: environment.cephConf,
            timeouts: CephSettings.Timeouts(
                connect: .seconds(5), monitorOperation: .seconds(5), osdOperation: .seconds(5), call: .seconds(20)))
    }

    /// Runs `body` with a new image and removes it afterwards.
    func withImage<T>(
        _ stem: String = "image", size: UInt64 = 32 * mebibyte, layout: ImageLayout = ImageLayout(),
        _ body: (String) async throws -> T
    ) async throws -> T {
        let name = uniqueName(stem)
        try await images.create(name, size: size, layout: layout)
        do {
            let value = try await body(name)
            try await rig.removeImage(name, in: environment.pool)
            return value
        } catch {
            try? await rig.removeImage(name, in: environment.pool)
            throw error
        }
    }

    /// The ``CephError`` that `body` ends with; a test failure when it does not.
    static func error(
        _ body: () async throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> CephError {
        let error = await #expect(throws: CephError.self, sourceLocation: sourceLocation) { _ = try await body() }
        return try #require(error, sourceLocation: sourceLocation)
    }
}
