import Glibc
import Logging
import Rig

@testable import CephStorage

/// A connection to the rig's Ceph as the least-privilege client, and a pool to work in.
package struct CephFixture {
    package let environment: RigEnvironment
    package let connection: CephConnection
    package let images: RBDImages

    package var rig: CephRig { CephRig(environment) }

    package static let mebibyte: UInt64 = 1 << 20

    /// Runs a test with a connection and closes it afterwards.
    package static func with<T>(
        _ change: (inout CephSettings, RigEnvironment) -> Void = { _, _ in },
        _ body: (CephFixture) async throws -> T
    ) async throws -> T {
        try await with(RigEnvironment.required(), change, body)
    }

    /// The same beside a rig that the test may disturb.
    package static func with<T>(
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

    package static func connection(_ settings: CephSettings) -> CephConnection {
        CephConnection(settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    package static func settings(_ environment: RigEnvironment) -> CephSettings {
        CephSettings(
            user: environment.cephUser, confFile: environment.cephConf,
            timeouts: CephSettings.Timeouts(
                connect: .seconds(5), monitorOperation: .seconds(5), osdOperation: .seconds(5), call: .seconds(20)))
    }

    /// Runs `body` with a new image and removes it afterwards.
    package func withImage<T>(
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
}
