/// Waits for something that happens by itself, and fails with a sentence if it does not.
///
/// The time is a bound on how long a broken implementation may hold up the tests, not a claim about speed.
///
/// - Parameters:
///   - expectation: completes the sentence "waited in vain for …".
///   - limit: after which it is given up.
///   - condition: asked again and again; an error it throws ends the waiting.
public func eventually(
    _ expectation: @autoclosure () -> String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw RigFailure("waited \(limit) in vain for \(expectation())")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
