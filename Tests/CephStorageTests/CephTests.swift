import CephStorage
import RealParts
import Testing

/// Everything here talks to the one Ceph of the rig; some of it stops that Ceph's servers.
@Suite("Ceph", .serialized)
enum CephTests {}

extension CephFixture {
    /// The ``CephError`` that `body` ends with; a test failure when it does not.
    static func error(
        _ body: () async throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> CephError {
        let error = await #expect(throws: CephError.self, sourceLocation: sourceLocation) { _ = try await body() }
        return try #require(error, sourceLocation: sourceLocation)
    }
}
