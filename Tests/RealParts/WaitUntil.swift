import Rig

/// Waits for something that happens by itself; fails the test when it does not within a bound that no working
/// implementation comes near.
package func waitUntil(_ condition: () async throws -> Bool) async throws {
    try await eventually("what the test waits for", within: .seconds(60), condition)
}
